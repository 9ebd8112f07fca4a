use durable::prelude::*;
use std::time::Duration;

#[durable::workflow]
async fn order(ctx: &Ctx, total: u32) -> durable::Result<u32> {
    ctx.sleep("settle", Duration::from_secs(60)).await?;
    let pay = async |amount: u32| charge(amount).await;
    let first = pay(total).await?;
    Ok(first)
}

async fn charge(total: u32) -> Result<u32, String> {
    Ok(total)
}

fn main() {}
