//! What it makes of the fn cannot be read as a workflow.

use durable::prelude::*;

#[tracing::instrument(
    skip(ctx)
)]
#[durable::workflow]
async fn order(ctx: &Ctx, amount: u32) -> durable::Result<u32> {
    Ok(ctx.step("charge", async |_| Ok::<_, String>(amount)).await?)
}

#[tracing::instrument(skip(ctx))]
#[durable::steps]
async fn bill(ctx: Ctx, amount: u32) -> durable::Result<u32> {
    Ok(ctx.step("charge", async |_| Ok::<_, String>(amount)).await?)
}

fn main() {}
