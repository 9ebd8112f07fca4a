//! A limit on a wait is an option of it, or a race.

use std::time::Duration;

use durable::prelude::*;

#[durable::workflow]
async fn order(ctx: &Ctx) -> durable::Result<u32> {
    let paid = tokio::time::timeout(Duration::from_secs(5), ctx.signal::<u32>("paid")).await;
    Ok(paid??)
}

fn main() {}
