use durable::prelude::*;
use std::time::Duration;

#[durable::workflow]
async fn order(ctx: &Ctx, total: u32) -> durable::Result<u32> {
    ctx.sleep("settle", Duration::from_secs(60)).compensate(refund).await?;
    Ok(total)
}

#[durable::compensate]
async fn refund(step: &StepCtx, payment: u32) -> durable::Result<()> {
    println!("{} {payment}", step.attempt());
    Ok(())
}

fn main() {}
