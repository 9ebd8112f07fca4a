use durable::prelude::*;
use std::time::Duration;

#[durable::workflow]
async fn order(ctx: &Ctx, total: u32) -> durable::Result<u32> {
    let approved = ctx.signal::<u32>("approval").timeout(Duration::ZERO).await?;
    Ok(total + approved)
}

fn main() {}
