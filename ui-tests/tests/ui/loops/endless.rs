use durable::prelude::*;
use std::time::Duration;

#[durable::workflow]
async fn order(ctx: &Ctx, total: u32) -> durable::Result<u32> {
    loop {
        ctx.step("charge", |_| charge(total)).await?;
        ctx.sleep("month", Duration::from_secs(2_592_000)).await?;
    }
}

async fn charge(total: u32) -> Result<u32, String> {
    Ok(total)
}

fn main() {}
