use durable::prelude::*;

use std::sync::OnceLock;

static FIRST: OnceLock<u32> = OnceLock::new();

#[durable::workflow]
async fn order(ctx: &Ctx, total: u32) -> durable::Result<u32> {
    let first = *FIRST.get_or_init(|| total);
    Ok(first + ctx.signal::<u32>("paid").await?)
}

fn main() {}
