use durable::prelude::*;

#[durable::workflow]
async fn order(ctx: &Ctx, total: u32) -> durable::Result<u32> {
    let scope = ctx.scope("billing");
    let paid = bill(scope, total).await?;
    Ok(paid)
}

#[durable::steps]
async fn bill(ctx: Ctx, total: u32) -> durable::Result<u32> {
    Ok(ctx.step("charge", |_| async move { Ok::<_, String>(total) }).await?)
}

fn main() {}
