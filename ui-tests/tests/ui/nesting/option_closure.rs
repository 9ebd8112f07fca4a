use durable::prelude::*;
use std::time::Duration;

#[durable::workflow]
async fn order(ctx: &Ctx, total: u32) -> durable::Result<u32> {
    let pause = (total > 100).then(|| ctx.sleep("settle", Duration::from_secs(60)));
    if let Some(pause) = pause {
        pause.await?;
    }
    Ok(total)
}

fn main() {}
