#[durable::workflow(name = "shipping", was = "ship", was = "deliver")]
#[cfg(feature = "shipping")]
#[tracing::instrument]
pub(crate) async fn ship(ctx: &Ctx, parcel: Parcel) -> Result<(), ShippingError> {
    ctx.step("hand_over", |_| hand_over(&parcel)).was("deliver").await?;
    Ok(())
}
