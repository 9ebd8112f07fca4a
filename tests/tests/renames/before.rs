//! The code before the renames.

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
    Ok(ctx.step("charge", |step| act(step, 30)).await?)
}

#[durable::workflow]
pub(crate) async fn ship(ctx: &Ctx, parcels: Vec<u32>) -> durable::Result<u32> {
    let (weight, label) = durable::join!(
        ctx.step("weigh", |step| act(step, 10)),
        ctx.step("label", |step| act(step, 20)),
    );
    let mut sum = weight? + label?;
    for parcel in parcels {
        sum += ctx.step("deliver", |step| act(step, parcel)).await?;
    }
    sum += bill(ctx.scope("billing")).await?;
    for _ in 0..2 {
        sum += ctx.signal::<u32>("released").await?;
    }
    Ok(ctx.step("close", |step| act(step, sum)).await?)
}

#[durable::workflow]
pub(crate) async fn pay(ctx: &Ctx) -> durable::Result<u32> {
    let reserved = ctx
        .step("reserve", |step| act(step, 1))
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
    let paid = ctx.step("transfer", transfer).retry(hourly()).await?;
    Err(format!("{} was refused", reserved + paid).into())
}

#[durable::compensate]
async fn release(step: &StepCtx, _reserved: u32) -> durable::Result<()> {
    step.state::<World>().note(step);
    Ok(())
}

#[durable::workflow]
pub(crate) async fn parent(ctx: &Ctx) -> durable::Result<u32> {
    Ok(ctx.child::<invoice>("bill", ()).await?)
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
