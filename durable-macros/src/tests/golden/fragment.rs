/// Takes a payment.
#[durable::steps]
pub async fn bill(ctx: Ctx, card: &str, amount: u32) -> durable::Result<Payment> {
    let approved = ctx.signal::<bool>("approval").await?;
    let checked = verify(ctx.scope("verification"), card).await?;
    Ok(ctx.step("charge", |_| charge(card, amount, approved, checked)).compensate(refund).await?)
}
