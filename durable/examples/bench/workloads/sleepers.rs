//! Runs that sleep.

use std::time::{Duration, Instant, SystemTime};

use super::setup::{Setup, percentile};
use crate::{args::Args, process::memory_mib, report::Figure, workflows::sleeper};

/// W4: 2,000 runs that sleep two seconds, started together.
pub async fn together(args: &Args) -> durable::Result<Vec<Figure>> {
    let setup = Setup::new(args).await?;
    let (started, late) = sleep_all(&setup, 2_000, |_| Duration::from_secs(2)).await?;
    setup.engine.shutdown().await?;
    Ok(vec![
        Figure::new("W4", "start of 2,000 runs", started, "s"),
        Figure::new("W4", "lateness, p50", percentile(&late, 0.5), "ms"),
        Figure::new("W4", "lateness, p99", percentile(&late, 0.99), "ms"),
    ])
}

/// 100,000 runs that sleep until about the same minute.
pub async fn many(args: &Args) -> durable::Result<Vec<Figure>> {
    const RUNS: u32 = 100_000;
    let setup = Setup::new(args).await?;
    let before = memory_mib("VmRSS");
    // They come due over one minute that begins when all of them surely sleep.
    let wake = SystemTime::now() + Duration::from_secs(45);
    let due = move |number: u32| {
        let spread = Duration::from_micros(u64::from(number) * 60_000_000 / u64::from(RUNS));
        (wake + spread)
            .duration_since(SystemTime::now())
            .unwrap_or_default()
    };
    let client = setup.client();
    let begun = Instant::now();
    let mut runs = Vec::new();
    for first in (0..RUNS).step_by(2_000) {
        let starts = (first..first + 2_000).map(|number| {
            let client = client.clone();
            tokio::spawn(async move {
                client
                    .start::<sleeper>(format!("run-{number}"), due(number))
                    .await
            })
        });
        for start in starts.collect::<Vec<_>>() {
            drop(start.await??);
        }
    }
    let started = begun.elapsed().as_secs_f64();
    // Waiting for the statement that all are asleep: nothing is resident but the engine.
    tokio::time::sleep(Duration::from_secs(2)).await;
    let asleep = memory_mib("VmRSS");
    for number in 0..RUNS {
        runs.push(number);
    }
    let mut late = Vec::new();
    for number in runs {
        let run = client.attach::<sleeper>(format!("run-{number}")).await?;
        late.push(run.result().await? as f64 / 1e3);
    }
    late.sort_by(f64::total_cmp);
    setup.engine.shutdown().await?;
    Ok(vec![
        Figure::new("sleeping", "start of 100,000 runs", started, "s"),
        Figure::new(
            "sleeping",
            "resident memory grew by",
            asleep - before,
            "MiB",
        ),
        Figure::new("sleeping", "lateness, p50", percentile(&late, 0.5), "ms"),
        Figure::new("sleeping", "lateness, p99", percentile(&late, 0.99), "ms"),
    ])
}

/// Starts runs together and waits for all; gives the seconds until all were started, and how late
/// each woke, in milliseconds, sorted.
async fn sleep_all(
    setup: &Setup,
    runs: u32,
    duration: impl Fn(u32) -> Duration,
) -> durable::Result<(f64, Vec<f64>)> {
    let client = setup.client();
    let begun = Instant::now();
    let starts: Vec<_> = (0..runs)
        .map(|number| {
            let (client, duration) = (client.clone(), duration(number));
            tokio::spawn(async move {
                client
                    .start::<sleeper>(format!("run-{number}"), duration)
                    .await
            })
        })
        .collect();
    let mut handles = Vec::new();
    for start in starts {
        handles.push(start.await??);
    }
    let started = begun.elapsed().as_secs_f64();
    let mut late = Vec::new();
    for run in handles {
        late.push(run.result().await? as f64 / 1e3);
    }
    late.sort_by(f64::total_cmp);
    Ok((started, late))
}
