//! An operation may wait in a local, a list or an option before it is awaited.
use std::time::Duration;

use std::future::IntoFuture;

use durable::prelude::*;

#[durable::workflow]
async fn gather(ctx: &Ctx, parts: Vec<u32>) -> durable::Result<u32> {
    let charge = ctx.step("charge", |_| pay(1));
    let pause = ctx.sleep("pause", Duration::from_secs(1));
    pause.await?;
    let mut sum = charge.await?;
    let mut waits = Vec::new();
    for part in &parts {
        waits.push(ctx.step("part", |_| pay(*part)));
    }
    for paid in durable::try_join_all(waits).await? {
        sum += paid;
    }
    let pauses = [ctx.sleep("first", Duration::from_secs(1)), ctx.sleep("second", Duration::from_secs(2))];
    for pause in pauses {
        pause.await?;
    }
    let last = if sum > 100 {
        ctx.sleep("long", Duration::from_secs(60))
    } else {
        ctx.sleep("short", Duration::from_secs(1))
    };
    last.await?;
    let boxed = Box::pin(ctx.step("boxed", |_| pay(2)).into_future());
    Ok(sum + boxed.await?)
}

async fn pay(amount: u32) -> Result<u32, String> {
    Ok(amount)
}

fn main() {}
