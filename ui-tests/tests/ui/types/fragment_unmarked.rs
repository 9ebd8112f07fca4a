use durable::prelude::*;

#[durable::workflow]
async fn order(ctx: &Ctx) -> durable::Result<u32> {
    bill(ctx.scope("billing"), 7).await
}

async fn bill(_ctx: Ctx, amount: u32) -> durable::Result<u32> {
    Ok(amount)
}

fn main() {}
