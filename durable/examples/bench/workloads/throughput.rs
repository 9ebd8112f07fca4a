//! How much goes through.

use std::{sync::Arc, time::Instant};

use durable::Client;
use tokio::sync::Semaphore;

use super::setup::{Setup, verify};
use crate::{
    args::Args,
    process::memory_mib,
    report::Figure,
    workflows::{parallel, parent, sequence},
};

const RUNS: u32 = 2_000;
const STEPS: u32 = 10;

/// W1: 2,000 runs of ten steps, so many in flight.
pub async fn steps(name: &str, in_flight: usize, args: &Args) -> durable::Result<Vec<Figure>> {
    let setup = Setup::new(args).await?;
    let seconds = run_sequences(&setup.client(), "run", RUNS, in_flight).await?;
    let peak = memory_mib("VmHWM");
    let rate = f64::from(RUNS * STEPS) / seconds;
    let Setup { engine, database } = setup;
    engine.shutdown().await?;
    let bytes = database.bytes().await?;
    let raw_rate = database.raw_rows(i64::try_from(in_flight)?).await?;
    let mut figures = vec![
        Figure::new(name, "steps a second", rate, "steps/s").against(raw_rate),
        Figure::new(name, "peak resident memory", peak, "MiB"),
    ];
    if let Some(bytes) = bytes {
        let bytes = bytes / f64::from(RUNS);
        figures.push(Figure::new(name, "database bytes a run", bytes, "B"));
    }
    if let Some(raw_ms) = database.raw_commit_ms().await? {
        figures.push(Figure::new(name, "raw one-row commit", raw_ms, "ms"));
    }
    Ok(figures)
}

/// Runs sequences of ten steps to their end, so many in flight; gives the seconds it took.
pub async fn run_sequences(
    client: &Client,
    prefix: &str,
    runs: u32,
    in_flight: usize,
) -> durable::Result<f64> {
    let slots = Arc::new(Semaphore::new(in_flight));
    let mut tasks = Vec::new();
    let begun = Instant::now();
    for number in 0..runs {
        let slot = Arc::clone(&slots).acquire_owned().await?;
        let client = client.clone();
        let id = format!("{prefix}-{number}");
        tasks.push(tokio::spawn(async move {
            let result = client.start::<sequence>(id, STEPS).await?.result().await?;
            drop(slot);
            verify(&result, &STEPS)
        }));
    }
    for task in tasks {
        task.await??;
    }
    Ok(begun.elapsed().as_secs_f64())
}

/// W5: 500 children, and 500 parallel steps.
pub async fn fan_out(args: &Args) -> durable::Result<Vec<Figure>> {
    let setup = Setup::new(args).await?;
    let client = setup.client();
    let begun = Instant::now();
    let children = client
        .start::<parent>("parent", 500)
        .await?
        .result()
        .await?;
    let children_seconds = begun.elapsed().as_secs_f64();
    verify(&children, &500)?;
    let begun = Instant::now();
    let steps = client
        .start::<parallel>("parallel", 500)
        .await?
        .result()
        .await?;
    let steps_seconds = begun.elapsed().as_secs_f64();
    verify(&steps, &500)?;
    setup.engine.shutdown().await?;
    Ok(vec![
        Figure::new("W5", "one parent, 500 children", children_seconds, "s"),
        Figure::new("W5", "one run, 500 parallel steps", steps_seconds, "s"),
    ])
}
