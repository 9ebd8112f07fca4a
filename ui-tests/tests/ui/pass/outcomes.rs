//! Compensations that are told an outcome, by any path to the type, and their options.

use durable::prelude::*;
use std::time::Duration;

type Charged = durable::Outcome<u32>;

#[durable::workflow]
async fn order(ctx: &Ctx) -> durable::Result<()> {
    ctx.step("charge", |_| async { Ok::<_, String>(1) }).compensate(refund).await?;
    ctx.step("ship", |_| async { Ok::<_, String>(2) }).compensate(recall).await?;
    ctx.step("note", |_| async { Ok::<_, String>(3) }).compensate(erase).await?;
    ctx.child::<parcel>("parcel", ()).compensate(recall).await?;
    Ok(())
}

#[durable::workflow]
async fn parcel(ctx: &Ctx) -> durable::Result<u32> {
    Ok(ctx.step("pack", |_| async { Ok::<_, String>(4) }).await?)
}

#[durable::compensate(retry = Retry::exponential().max_attempts(20), timeout = Duration::from_secs(30))]
async fn refund(step: &StepCtx, paid: Charged) -> durable::Result<()> {
    let _: (Option<u32>, ()) = (step.result("ship")?, step.input()?);
    let _: (Option<u32>, Option<Failure>) = (paid.completed(), step.cause());
    Ok(())
}

#[durable::compensate(timeout = limit())]
async fn recall(_step: &StepCtx, shipped: durable::Outcome<u32>) -> Result<(), String> {
    match shipped {
        Outcome::Completed(_) | Outcome::Unknown => Ok(()),
    }
}

#[durable::compensate(retry = Retry::never())]
async fn erase(_step: &StepCtx, _noted: u32) -> Result<(), String> {
    Ok(())
}

fn limit() -> Duration {
    Duration::from_secs(5)
}

fn main() {}
