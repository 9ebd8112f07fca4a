#[durable::workflow]
async fn order(ctx: &Ctx, input: Order) -> durable::Result<Receipt> {
    let pool = ctx.state::<Pool>();
    let payment = ctx
        .step("charge", |step| charge(step.state::<Bank>(), pool, &input))
        .retry(Retry::exponential().max_attempts(5))
        .timeout(Duration::from_secs(30))
        .compensate(refund)
        .await?;
    let approval = ctx.signal::<Approval>("approval").timeout(DAY).await?;
    let parcel = ctx.child::<ship>("parcel", (payment, approval)).compensate(recall).await?;
    Ok(Receipt { parcel })
}
