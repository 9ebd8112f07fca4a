/// Takes a payment.
#[durable::workflow]
pub async fn order(ctx: &Ctx, input: Order) -> durable::Result<Payment> {
    Ok(ctx.step("charge", |step| charge(&input, step.idempotency_key())).await?)
}
