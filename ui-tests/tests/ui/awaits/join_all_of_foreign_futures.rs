use durable::prelude::*;
use std::time::Duration;

#[durable::workflow]
async fn order(ctx: &Ctx, total: u32) -> durable::Result<u32> {
    let paid = durable::try_join_all((0..total).map(charge)).await?;
    ctx.sleep("settle", Duration::from_secs(60)).await?;
    Ok(paid.iter().sum())
}

async fn charge(line: u32) -> durable::Result<u32> {
    Ok(line)
}

fn main() {}
