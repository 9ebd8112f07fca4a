use durable::prelude::*;
use std::time::Instant;

#[durable::workflow]
async fn order(ctx: &Ctx, total: u32) -> durable::Result<u32> {
    let start = Instant::now();
    ctx.step("charge", |_| charge(total)).await?;
    Ok(total + start.elapsed().subsec_millis())
}

async fn charge(total: u32) -> Result<u32, String> {
    Ok(total)
}

fn main() {}
