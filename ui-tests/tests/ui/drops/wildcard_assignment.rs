use durable::prelude::*;
use std::time::Duration;

#[durable::workflow]
async fn order(ctx: &Ctx, total: u32) -> durable::Result<u32> {
    _ = ctx.sleep("settle", Duration::from_secs(60));
    Ok(total)
}

fn main() {}
