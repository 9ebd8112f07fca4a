//! How long one thing takes.

use std::time::{Duration, Instant};

use super::setup::{Setup, percentile, verify};
use crate::{
    args::Args,
    process::cpu_seconds,
    report::Figure,
    workflows::{sequence, waiter},
};

const REPEATS: usize = 200;

/// W2: one run of 1,000 steps.
pub async fn sequential_steps(args: &Args) -> durable::Result<Vec<Figure>> {
    let setup = Setup::new(args).await?;
    let raw_before = setup.database.raw_commit_ms().await?;
    let begun = Instant::now();
    let result = setup
        .client()
        .start::<sequence>("long", 1_000)
        .await?
        .result()
        .await?;
    let ms = begun.elapsed().as_secs_f64();
    verify(&result, &1_000)?;
    let _ = setup.engine.shutdown().await;
    Ok(vec![
        Figure::new("W2", "time a step", ms, "ms").against(raw_before),
    ])
}

/// W3: one-step runs, one at a time.
pub async fn start_to_result(args: &Args) -> durable::Result<Vec<Figure>> {
    let setup = Setup::new(args).await?;
    let raw = setup.database.raw_commit_ms().await?;
    let client = setup.client();
    let mut times = Vec::new();
    for number in 0..REPEATS {
        let begun = Instant::now();
        let result = client
            .start::<sequence>(format!("run-{number}"), 1)
            .await?
            .result()
            .await?;
        times.push(begun.elapsed().as_secs_f64() * 1e3);
        verify(&result, &1)?;
    }
    setup.engine.shutdown().await?;
    Ok(figures("W3", "start to result", times, raw))
}

/// W6: a run waits for a signal; from sending it to the result.
pub async fn signal_to_result(args: &Args) -> durable::Result<Vec<Figure>> {
    let setup = Setup::new(args).await?;
    let raw = setup.database.raw_commit_ms().await?;
    let client = setup.client();
    let mut times = Vec::new();
    for number in 0..REPEATS {
        let run = client.start::<waiter>(format!("run-{number}"), ()).await?;
        run.reaches(durable::Status::Suspended).await?;
        let begun = Instant::now();
        run.signal(waiter::go, 7).await?;
        let result = run.result().await?;
        times.push(begun.elapsed().as_secs_f64() * 1e3);
        verify(&result, &7)?;
    }
    setup.engine.shutdown().await?;
    Ok(figures("W6", "signal to result", times, raw))
}

fn figures(name: &str, what: &str, mut times: Vec<f64>, raw: Option<f64>) -> Vec<Figure> {
    times.sort_by(f64::total_cmp);
    vec![
        Figure::new(name, &format!("{what}, p50"), percentile(&times, 0.5), "ms").against(raw),
        Figure::new(
            name,
            &format!("{what}, p99"),
            percentile(&times, 0.99),
            "ms",
        )
        .against(raw),
    ]
}

/// No work for 30 s.
pub async fn idle(args: &Args) -> durable::Result<Vec<Figure>> {
    let setup = Setup::new(args).await?;
    let _ = setup
        .client()
        .start::<sequence>("warm", 10)
        .await?
        .result()
        .await?;
    // A PostgreSQL session counts what it did only when it does something again: the next heartbeat.
    tokio::time::sleep(Duration::from_secs(11)).await;
    let transactions = setup.database.transactions().await?;
    let (cpu, begun) = (cpu_seconds(), Instant::now());
    tokio::time::sleep(Duration::from_secs(30)).await;
    let seconds = begun.elapsed().as_secs_f64();
    let share = (cpu_seconds() - cpu) / seconds;
    let mut figures = vec![Figure::new("idle", "CPU of a core", share * 100.0, "%")];
    let later = setup.database.transactions().await?;
    if let (Some(before), Some(after)) = (transactions, later) {
        let rate = (after - before) / seconds;
        figures.push(Figure::new("idle", "transactions a second", rate, "/s"));
    }
    setup.engine.shutdown().await?;
    Ok(figures)
}
