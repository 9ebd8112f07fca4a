//! A worker process is told to end with runs in flight, and another one goes on with them.

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use durable::Engine;

use super::{
    recovery::{RUNS, STEPS, spawn_worker, trace},
    setup::verify,
};
use crate::{
    args::{Args, StoreKind},
    database::Database,
    process::Folder,
    report::Figure,
    workflows::slow_sequence,
};

/// 500 runs of ten steps of 50 ms; half-way the worker is told to end.
pub async fn of_all_runs(args: &Args) -> durable::Result<Vec<Figure>> {
    if args.store == StoreKind::Memory {
        return Ok(Vec::new());
    }
    let database = Database::new(args).await?;
    let folder = Folder::new()?;
    let path = folder.0.join("trace").display().to_string();
    let mut worker = spawn_worker(args, &database.url(), &path)?;
    let heir = Engine::open(&database.url()).await?;
    let half = RUNS as usize * STEPS as usize / 2;
    while trace(&path).len() < half {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    let told = Instant::now();
    drop(worker.stdin.take());
    let me = std::process::id().to_string();
    let (mut first, mut all) = (None, None);
    while all.is_none() {
        tokio::time::sleep(Duration::from_millis(2)).await;
        let trace = trace(&path);
        let moved = trace.iter().filter(|line| line.process == me);
        let runs: BTreeSet<_> = moved.map(|line| &line.run).collect();
        if !runs.is_empty() {
            first.get_or_insert_with(|| told.elapsed());
        }
        if runs.len() == RUNS as usize {
            all = Some(told.elapsed());
        }
    }
    verify(&worker.wait()?.success(), &true)?;
    let client = heir.client();
    for number in 0..RUNS {
        let run = client
            .attach::<slow_sequence>(format!("run-{number}"))
            .await?;
        verify(&run.result().await?, &STEPS)?;
    }
    heir.shutdown().await?;
    let again = trace(&path).len() - RUNS as usize * STEPS as usize;
    let ms = |time: Option<Duration>| time.unwrap_or_default().as_secs_f64() * 1e3;
    Ok(vec![
        Figure::new("handover", "to the first step elsewhere", ms(first), "ms"),
        Figure::new("handover", "until all 500 runs moved on", ms(all), "ms"),
        Figure::new("handover", "step bodies run again", again as f64, "steps"),
    ])
}
