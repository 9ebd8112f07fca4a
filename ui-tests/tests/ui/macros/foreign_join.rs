use durable::prelude::*;
use std::future::IntoFuture;

#[durable::workflow]
async fn order(ctx: &Ctx, total: u32) -> durable::Result<u32> {
    let one = ctx.step("one", |_| charge(total));
    let two = ctx.step("two", |_| charge(total));
    let (one, two) = tokio::join!(one.into_future(), two.into_future());
    Ok(one? + two?)
}

async fn charge(total: u32) -> Result<u32, String> {
    Ok(total)
}

fn main() {}
