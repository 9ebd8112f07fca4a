#[durable::workflow]
async fn order(ctx: &Ctx, id: u32) -> durable::Result<()> {
    ctx.step("Charge", |_| charge()).await?;
    ctx.step(format!("charge_{id}"), |_| charge()).await?;
    Ok(())
}
