//! The workflows of the workloads. Step bodies do nothing and return a small integer.

use std::{convert::Infallible, time::Duration};

use durable::prelude::*;

/// A number of steps, one after the other.
#[durable::workflow]
pub async fn sequence(ctx: &Ctx, steps: u32) -> durable::Result<u32> {
    let mut total = 0;
    for _ in 0..steps {
        total += ctx
            .step("work", |_| async { Ok::<u32, Infallible>(1) })
            .await?;
    }
    Ok(total)
}

/// Like `sequence`, and each step takes 50 ms and leaves a trace in a file.
#[durable::workflow]
pub async fn slow_sequence(ctx: &Ctx, input: SlowInput) -> durable::Result<u32> {
    let mut total = 0;
    for _ in 0..input.steps {
        total += ctx
            .step("work", |step| slow_work(&input.trace, step))
            .await?;
    }
    Ok(total)
}

/// What `slow_sequence` takes.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub struct SlowInput {
    /// How many steps.
    pub steps: u32,
    /// The file that each execution of a step adds a line to.
    pub trace: String,
}

async fn slow_work(trace: &str, step: StepCtx) -> Result<u32, std::io::Error> {
    use std::io::Write;
    let mut file = std::fs::OpenOptions::new()
        .append(true)
        .create(true)
        .open(trace)?;
    // One write, so that lines of steps side by side do not mix.
    let (process, run) = (std::process::id(), step.run_id());
    let line = format!("{process} {} {}\n", run.as_str(), step.idempotency_key());
    file.write_all(line.as_bytes())?;
    tokio::time::sleep(Duration::from_millis(50)).await;
    Ok(1)
}

/// Sleeps, and says how late it woke, in microseconds.
#[durable::workflow]
pub async fn sleeper(ctx: &Ctx, duration: Duration) -> durable::Result<u64> {
    let asleep = ctx.now();
    ctx.sleep("sleep", duration).await?;
    // The time of the event that woke it, against the time the sleep was asked for.
    let slept = ctx.now().duration_since(asleep)?;
    Ok(u64::try_from(slept.saturating_sub(duration).as_micros())?)
}

/// Starts children side by side.
#[durable::workflow]
pub async fn parent(ctx: &Ctx, children: u32) -> durable::Result<u32> {
    let results =
        durable::try_join_all((0..children).map(|_| ctx.child::<sequence>("child", 1))).await?;
    Ok(results.into_iter().sum())
}

/// Runs steps side by side.
#[durable::workflow]
pub async fn parallel(ctx: &Ctx, steps: u32) -> durable::Result<u32> {
    let results = durable::try_join_all(
        (0..steps).map(|_| ctx.step("work", |_| async { Ok::<u32, Infallible>(1) })),
    )
    .await?;
    Ok(results.into_iter().sum())
}

/// Waits for a signal and returns what it carries.
#[durable::workflow]
pub async fn waiter(ctx: &Ctx) -> durable::Result<u32> {
    Ok(ctx.signal::<u32>("go").await?)
}
