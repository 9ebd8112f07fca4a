use durable::prelude::*;
use std::time::Duration;

#[durable::workflow]
async fn order(ctx: &Ctx, total: u32) -> durable::Result<u32> {
    tokio::select! {
        paid = ctx.step("charge", |_| charge(total)) => Ok(paid?),
        _ = ctx.sleep("deadline", Duration::from_secs(60)) => Ok(0),
    }
}

async fn charge(total: u32) -> Result<u32, String> {
    Ok(total)
}

fn main() {}
