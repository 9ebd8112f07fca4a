use durable::prelude::*;

#[durable::workflow]
async fn order(ctx: &Ctx) -> durable::Result<u32> {
    bill(ctx, 7).await
}

#[durable::steps]
async fn bill(ctx: Ctx, amount: u32) -> durable::Result<u32> {
    Ok(ctx.step("charge", |_| async move { Ok::<u32, String>(amount) }).await?)
}

fn main() {}
