use durable::prelude::*;

use std::time::Duration;

#[durable::workflow]
async fn order(ctx: &Ctx) -> durable::Result<()> {
    ctx.sleep(Duration::from_secs(1)).await?;
    Ok(())
}

fn main() {}
