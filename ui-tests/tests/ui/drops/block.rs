use durable::prelude::*;
use std::time::Duration;

#[durable::workflow]
async fn order(ctx: &Ctx, total: u32) -> durable::Result<u32> {
    {
        let pause = Duration::from_secs(60);
        ctx.sleep("settle", pause)
    };
    Ok(total)
}

fn main() {}
