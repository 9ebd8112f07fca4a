use durable::prelude::*;
use std::time::Duration;

#[durable::workflow]
async fn order(ctx: &Ctx, total: u32) -> durable::Result<u32> {
    ctx.sleep("settle", Duration::from_secs(60)).await?;
    if total > 100 && let Ok(paid) = charge(total).await {
        return Ok(paid);
    }
    Ok(0)
}

async fn charge(total: u32) -> Result<u32, String> {
    Ok(total)
}

fn main() {}
