use durable::prelude::*;
use std::time::Duration;

#[durable::workflow]
async fn order(ctx: &Ctx, total: u32) -> durable::Result<u32> {
    let (one, _two) = (
        ctx.sleep("one", Duration::from_secs(1)),
        ctx.sleep("two", Duration::from_secs(2)),
    );
    one.await?;
    Ok(total)
}

fn main() {}
