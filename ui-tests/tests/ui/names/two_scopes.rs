use durable::prelude::*;

#[durable::workflow]
async fn order(ctx: &Ctx, total: u32) -> durable::Result<u32> {
    let first = bill(ctx.scope("billing"), total).await?;
    let second = bill(ctx.scope("billing"), total).await?;
    Ok(first + second)
}

#[durable::steps]
async fn bill(ctx: Ctx, total: u32) -> durable::Result<u32> {
    Ok(ctx.step("charge", |_| async move { Ok::<_, String>(total) }).await?)
}

fn main() {}
