use durable::prelude::*;

#[durable::workflow]
async fn order(ctx: &Ctx, total: u32) -> durable::Result<u32> {
    charge(ctx, total).await
}

async fn charge(_ctx: &Ctx, total: u32) -> durable::Result<u32> {
    Ok(total)
}

fn main() {}
