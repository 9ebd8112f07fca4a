use durable::prelude::*;

#[durable::workflow]
async fn order(ctx: &Ctx, total: u32) -> durable::Result<u32> {
    use std::time::Instant as Clock;
    let start = Clock::now();
    ctx.step("charge", |_| charge(total)).await?;
    Ok(total + start.elapsed().subsec_millis())
}

async fn charge(total: u32) -> Result<u32, String> {
    Ok(total)
}

fn main() {}
