//! W7: a worker is killed half-way, and another goes on.

use std::{
    collections::BTreeSet,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use durable::Engine;
use tokio::io::AsyncReadExt;

use super::setup::verify;
use crate::{
    args::{Args, StoreKind},
    database::Database,
    process::Folder,
    report::Figure,
    workflows::{SlowInput, slow_sequence},
};

pub(super) const RUNS: u32 = 500;
pub(super) const STEPS: u32 = 10;

/// 500 runs of ten steps of 50 ms; the worker is killed half-way and started again.
pub async fn after_a_kill(args: &Args) -> durable::Result<Vec<Figure>> {
    if args.store == StoreKind::Memory {
        return Ok(Vec::new());
    }
    let database = Database::new(args).await?;
    let folder = Folder::new()?;
    let trace_path = folder.0.join("trace").display().to_string();
    let mut worker = spawn_worker(args, &database.url(), &trace_path)?;
    let half = RUNS as usize * STEPS as usize / 2;
    while trace(&trace_path).len() < half {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    worker.kill()?;
    worker.wait()?;
    let executed = trace(&trace_path).len();
    let begun = Instant::now();
    let engine = Engine::open(&database.url()).await?;
    for number in 0..RUNS {
        let run = engine
            .client()
            .attach::<slow_sequence>(format!("run-{number}"))
            .await?;
        verify(&run.result().await?, &STEPS)?;
    }
    let seconds = begun.elapsed().as_secs_f64();
    engine.shutdown().await?;
    let trace = trace(&trace_path);
    let keys: BTreeSet<_> = trace.iter().map(|line| &line.key).collect();
    verify(&keys.len(), &(RUNS as usize * STEPS as usize))?;
    let again = trace.len() - keys.len();
    Ok(vec![
        Figure::new("W7", "restart to all done", seconds, "s"),
        Figure::new("W7", "step bodies run again", again as f64, "steps"),
        Figure::new(
            "W7",
            "steps begun before the kill",
            executed as f64,
            "steps",
        ),
    ])
}

/// A worker process that works until it is killed or its standard input closes.
pub(super) fn spawn_worker(args: &Args, database: &str, trace: &str) -> std::io::Result<Child> {
    Command::new(std::env::current_exe()?)
        .args(["--store", args.store.name(), "--workload", "W7-worker"])
        .args(["--database", database, "--trace", trace])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
}

/// The worker process: starts all runs, and works until its standard input closes.
pub async fn worker(args: &Args) -> durable::Result<Vec<Figure>> {
    let database = args.database.as_deref().ok_or("--database is missing")?;
    let trace = args.trace.as_deref().ok_or("--trace is missing")?;
    let engine = Engine::open(database).await?;
    let client = engine.client();
    for number in 0..RUNS {
        let input = SlowInput {
            steps: STEPS,
            trace: trace.to_owned(),
        };
        let client = client.clone();
        // The parent process sees in the database whether it was started.
        tokio::spawn(async move {
            let id = format!("run-{number}");
            client.start::<slow_sequence>(id, input).await.map(drop)
        });
    }
    tokio::io::stdin().read_to_end(&mut Vec::new()).await?;
    engine.shutdown().await?;
    Ok(Vec::new())
}

/// The execution of a step body.
#[derive(Debug)]
pub(super) struct Line {
    /// The process that did it.
    pub(super) process: String,
    /// The run's id.
    pub(super) run: String,
    /// The idempotency key.
    pub(super) key: String,
}

/// Every execution of a step body so far.
pub(super) fn trace(path: &str) -> Vec<Line> {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let lines = text.lines().filter_map(|line| {
        let mut words = line.split(' ').map(str::to_owned);
        Some(Line {
            process: words.next()?,
            run: words.next()?,
            key: words.next()?,
        })
    });
    lines.collect()
}
