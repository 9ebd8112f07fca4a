//! `#[tracing::instrument]` below our attribute opens its span inside the engine's.

use durable::prelude::*;

#[durable::workflow]
#[tracing::instrument(skip(ctx))]
async fn order(ctx: &Ctx, amount: u32) -> durable::Result<u32> {
    Ok(bill(ctx.scope("billing"), amount).await?)
}

#[durable::steps]
#[tracing::instrument(skip(ctx))]
async fn bill(ctx: Ctx, amount: u32) -> durable::Result<u32> {
    Ok(ctx.step("charge", async |_| Ok::<_, String>(amount)).compensate(refund).await?)
}

#[durable::compensate]
#[tracing::instrument(skip(step))]
async fn refund(step: &StepCtx, amount: u32) -> durable::Result<()> {
    let _ = (step.attempt(), amount);
    Ok(())
}

fn main() {}
