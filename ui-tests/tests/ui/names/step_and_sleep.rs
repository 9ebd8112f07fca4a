use durable::prelude::*;
use std::time::Duration;

#[durable::workflow]
async fn order(ctx: &Ctx, total: u32) -> durable::Result<u32> {
    let paid = ctx.step("payment", |_| charge(total)).await?;
    ctx.sleep("payment", Duration::from_secs(60)).await?;
    Ok(paid)
}

async fn charge(total: u32) -> Result<u32, String> {
    Ok(total)
}

fn main() {}
