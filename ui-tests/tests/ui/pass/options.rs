//! Every option, in any order, with values that are computed.
use std::time::Duration;

use durable::prelude::*;

const ATTEMPTS: u32 = 4;

#[durable::workflow]
async fn order(ctx: &Ctx, total: u32) -> durable::Result<u32> {
    let patience = Duration::from_secs(u64::from(total));
    let policy = Retry::linear().max_attempts(total);
    let paid = ctx
        .step("charge", |_| pay(total))
        .timeout(patience)
        .compensate(refund)
        .retry(policy)
        .was("pay")
        .was("payment")
        .await?;
    let more = ctx
        .step("more", |_| pay(total))
        .retry(Retry::exponential().initial_delay(Duration::ZERO).max_attempts(ATTEMPTS))
        .await?;
    ctx.sleep("settle", Duration::ZERO).was("wait").await?;
    let approved = ctx.signal::<u32>("approval").timeout(patience).was("consent").await?;
    let parcel = ctx.child::<ship>("parcel", approved).compensate(refund).was("delivery").await?;
    Ok(paid + more + parcel)
}

#[durable::workflow]
async fn ship(ctx: &Ctx, parcel: u32) -> durable::Result<u32> {
    Ok(ctx.step("hand_over", |_| pay(parcel)).retry(Retry::never()).await?)
}

#[durable::compensate]
async fn refund(step: &StepCtx, payment: u32) -> Result<(), std::io::Error> {
    println!("{} {payment} {:?}", step.attempt(), std::time::Instant::now());
    tokio::time::sleep(Duration::from_millis(1)).await;
    Ok(())
}

async fn pay(amount: u32) -> Result<u32, String> {
    Ok(amount)
}

fn main() {}
