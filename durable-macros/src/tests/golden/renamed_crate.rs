#[durable::workflow(crate = crate::engine)]
async fn order(ctx: &Ctx) -> crate::engine::Result<()> {
    ctx.step("charge", |_| charge()).compensate(refunds::refund).await?;
    bill(ctx.scope("billing")).await
}
