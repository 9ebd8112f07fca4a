use durable::prelude::*;
use std::time::Duration;

#[durable::workflow]
async fn order(ctx: &Ctx, total: u32) -> durable::Result<u32> {
    let _start = std::time::Instant::now();
    let _paid = ctx.step("charge", |_| charge(total)).retry(Retry::never().max_attempts(0)).await?;
    let _more = ctx.step("charge", |_| charge(total)).await?;
    ctx.sleep("Settle", Duration::from_secs(60)).compensate(refund).await?;
    ctx.step("forgotten", |_| charge(total));
    let _direct = charge(total).await?;
    let _approved: u32 = ctx.signal("approval").await?;
    log(ctx);
    loop {
        ctx.sleep("month", Duration::from_secs(2_592_000)).await?;
    }
}

async fn charge(total: u32) -> Result<u32, String> {
    Ok(total)
}

#[durable::compensate]
async fn refund(step: &StepCtx, payment: u32) -> durable::Result<()> {
    println!("{} {payment}", step.attempt());
    Ok(())
}

fn log(ctx: &Ctx) {
    println!("{}", ctx.run_id());
}

fn main() {}
