//! W7: a worker is killed half-way, and another goes on.

use std::{
    collections::BTreeMap,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use durable::Engine;

use super::setup::verify;
use crate::{
    args::{Args, StoreKind},
    database::Database,
    process::Folder,
    report::Figure,
    workflows::{SlowInput, slow_sequence},
};

const RUNS: u32 = 500;
const STEPS: u32 = 10;

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
    while trace(&trace_path).values().sum::<usize>() < half {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    worker.kill()?;
    worker.wait()?;
    let executed = trace(&trace_path).values().sum::<usize>();
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
    verify(&trace.len(), &(RUNS as usize * STEPS as usize))?;
    let again = trace.values().map(|times| times - 1).sum::<usize>();
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

fn spawn_worker(args: &Args, database: &str, trace: &str) -> std::io::Result<Child> {
    Command::new(std::env::current_exe()?)
        .args(["--store", args.store.name(), "--workload", "W7-worker"])
        .args(["--database", database, "--trace", trace])
        .stdout(Stdio::null())
        .spawn()
}

/// The worker process that is killed.
pub async fn worker(args: &Args) -> durable::Result<Vec<Figure>> {
    let database = args.database.as_deref().ok_or("--database is missing")?;
    let trace = args.trace.as_deref().ok_or("--trace is missing")?;
    let engine = Engine::open(database).await?;
    let client = engine.client();
    let mut runs = Vec::new();
    for number in 0..RUNS {
        let input = SlowInput {
            steps: STEPS,
            trace: trace.to_owned(),
        };
        let client = client.clone();
        runs.push(tokio::spawn(async move {
            client
                .start::<slow_sequence>(format!("run-{number}"), input)
                .await?
                .result()
                .await
        }));
    }
    for run in runs {
        run.await??;
    }
    Ok(Vec::new())
}

/// How often each step body was executed, by idempotency key.
fn trace(path: &str) -> BTreeMap<String, usize> {
    let mut times = BTreeMap::new();
    for line in std::fs::read_to_string(path).unwrap_or_default().lines() {
        *times.entry(line.to_owned()).or_default() += 1;
    }
    times
}
