//! The code after the renames.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use durable::prelude::*;

use crate::World;

async fn act(step: StepCtx, output: u32) -> Result<u32, String> {
    step.state::<World>().note(&step);
    Ok(output)
}

#[durable::steps]
async fn bill(ctx: Ctx) -> durable::Result<u32> {
    Ok(ctx
        .step("debit", |step| act(step, 30))
        .was("charge")
        .await?)
}

#[durable::workflow(was = "ship")]
pub(crate) async fn shipping(ctx: &Ctx, parcels: Vec<u32>) -> durable::Result<u32> {
    let (weight, label) = durable::join!(
        ctx.step("measure", |step| act(step, 10)).was("weigh"),
        ctx.step("print_label", |step| act(step, 20)).was("label"),
    );
    let mut sum = weight? + label?;
    for parcel in parcels {
        sum += ctx
            .step("hand_over", |step| act(step, parcel))
            .was("deliver")
            .await?;
    }
    sum += bill(ctx.scope("billing")).await?;
    for _ in 0..2 {
        sum += ctx.signal::<u32>("cleared").was("released").await?;
    }
    Ok(ctx.step("close", |step| act(step, sum)).await?)
}

#[durable::workflow]
pub(crate) async fn pay(ctx: &Ctx) -> durable::Result<u32> {
    let reserved = ctx
        .step("earmark", |step| act(step, 1))
        .was("reserve")
        .compensate(release)
        .await?;
    let transfer = |step: StepCtx| async move {
        step.state::<World>().note(&step);
        let bank: &AtomicBool = &step.state::<World>().bank_is_open;
        match bank.load(Ordering::Relaxed) {
            true => Ok(2),
            false => Err("the bank is closed"),
        }
    };
    let paid = ctx
        .step("send_money", transfer)
        .was("transfer")
        .retry(hourly())
        .await?;
    Err(format!("{} was refused", reserved + paid).into())
}

#[durable::compensate]
async fn release(step: &StepCtx, _reserved: u32) -> durable::Result<()> {
    step.state::<World>().note(step);
    Ok(())
}

#[durable::workflow]
pub(crate) async fn parent(ctx: &Ctx) -> durable::Result<u32> {
    Ok(ctx.child::<invoice>("invoicing", ()).was("bill").await?)
}

#[durable::workflow]
pub(crate) async fn invoice(ctx: &Ctx) -> durable::Result<u32> {
    Ok(ctx.signal::<u32>("paid").await?)
}

/// Two attempts, an hour apart.
fn hourly() -> Retry {
    let hour = Duration::from_secs(3_600);
    Retry::linear()
        .initial_delay(hour)
        .max_delay(hour)
        .max_attempts(2)
}
