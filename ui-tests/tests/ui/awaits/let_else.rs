use durable::prelude::*;
use std::time::Duration;

#[durable::workflow]
async fn order(ctx: &Ctx, total: u32) -> durable::Result<u32> {
    ctx.sleep("settle", Duration::from_secs(60)).await?;
    let Ok(paid) = charge(total).await else {
        return Ok(0);
    };
    Ok(paid)
}

async fn charge(total: u32) -> Result<u32, String> {
    Ok(total)
}

fn main() {}
