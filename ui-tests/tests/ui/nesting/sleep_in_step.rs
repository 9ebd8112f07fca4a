use durable::prelude::*;
use std::time::Duration;

#[durable::workflow]
async fn order(ctx: &Ctx, total: u32) -> durable::Result<u32> {
    let paid = ctx
        .step("charge", |_| async {
            ctx.sleep("settle", Duration::from_secs(60)).await?;
            Ok::<u32, Failure>(total)
        })
        .await?;
    Ok(paid)
}

fn main() {}
