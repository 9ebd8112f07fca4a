//! The result of an awaited operation is a plain value.
use durable::prelude::*;

#[durable::workflow]
async fn order(ctx: &Ctx, total: u32) -> durable::Result<u32> {
    let _ = ctx.step("best_effort", |_| pay(total)).await;
    _ = ctx.step("also_best_effort", |_| pay(total)).await;
    let _kept = ctx.step("kept", |_| pay(total)).await;
    let optional = ctx.step("optional", |_| pay(total)).await.ok().map(Box::new);
    let charge = ctx.step("charge", |_| pay(total));
    let charge = charge.await.unwrap_or_default();
    let checked = check(charge).and_then(|paid| paid.checked_sub(1)).unwrap_or(0);
    if let Err(failure) = ctx.step("last", |_| pay(checked)).await {
        println!("{failure} after {} attempts", failure.attempts());
    }
    drop(optional);
    Ok(charge)
}

fn check(paid: u32) -> Option<u32> {
    (paid > 0).then_some(paid)
}

async fn pay(amount: u32) -> Result<u32, String> {
    Ok(amount)
}

fn main() {}
