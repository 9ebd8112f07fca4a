use durable::prelude::*;

#[durable::workflow]
async fn order(ctx: &Ctx, total: u32) -> durable::Result<u32> {
    let paid = bill(ctx.scope("billing"), total).await?;
    Ok(paid)
}

#[durable::steps]
async fn bill(ctx: Ctx, total: u32) -> durable::Result<u32> {
    let fee = fee(total).await;
    Ok(ctx.step("charge", |_| async move { Ok::<_, String>(total + fee) }).await?)
}

async fn fee(total: u32) -> u32 {
    total / 100
}

fn main() {}
