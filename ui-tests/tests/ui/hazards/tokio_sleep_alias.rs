use durable::prelude::*;
use std::time::Duration;

#[durable::workflow]
async fn order(ctx: &Ctx, total: u32) -> durable::Result<u32> {
    use tokio::time::sleep as pause;
    pause(Duration::from_secs(60)).await;
    let paid = ctx.step("charge", |_| charge(total)).await?;
    Ok(paid)
}

async fn charge(total: u32) -> Result<u32, String> {
    Ok(total)
}

fn main() {}
