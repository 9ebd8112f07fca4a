use durable::prelude::*;
use std::time::Duration;

#[durable::workflow]
async fn order(ctx: &Ctx, total: u32) -> durable::Result<u32> {
    ctx.sleep("settle", Duration::from_secs(60)).retry(Retry::never()).await?;
    Ok(total)
}

fn main() {}
