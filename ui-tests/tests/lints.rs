//! What the attributes generate passes the lints that careful crates deny: `cargo clippy` builds this.
#![deny(
    warnings,
    missing_docs,
    missing_debug_implementations,
    unreachable_pub,
    unused_qualifications,
    unnameable_types,
    clippy::pedantic,
    clippy::allow_attributes_without_reason
)]

use durable::prelude::*;

/// An order.
#[derive(Debug, serde::Serialize, serde::Deserialize)]
pub struct Order {
    /// What it costs.
    pub total: u32,
}

/// Takes a payment.
///
/// # Errors
///
/// When the bank says so.
#[durable::steps]
pub async fn bill(ctx: Ctx, amount: u32) -> durable::Result<u32> {
    let approved = ctx.signal::<bool>("approval").await?;
    let paid = ctx
        .step("charge", |_| async move {
            Ok::<u32, String>(amount * u32::from(approved))
        })
        .compensate(refund)
        .await?;
    Ok(paid)
}

/// Gives a payment back.
///
/// # Errors
///
/// Never.
#[durable::compensate]
pub async fn refund(_step: &StepCtx, _paid: u32) -> durable::Result<()> {
    std::future::ready(Ok(())).await
}

/// Takes an order from payment to delivery.
///
/// # Errors
///
/// When it cannot be paid.
#[durable::workflow]
pub async fn order(ctx: &Ctx, input: Order) -> durable::Result<u32> {
    let paid = bill(ctx.scope("billing"), input.total).await?;
    let parcel = ctx.child::<ship>("parcel", paid).await?;
    Ok(paid + parcel)
}

#[durable::workflow]
async fn ship(ctx: &Ctx, _paid: u32) -> durable::Result<u32> {
    let handed_over = ctx.signal::<u32>("handed_over").await?;
    Ok(returns(ctx.scope("returns")).await? + handed_over)
}

#[durable::steps]
async fn returns(ctx: Ctx) -> durable::Result<u32> {
    Ok(ctx
        .step("take_back", |_| async { Ok::<u32, String>(1) })
        .await?)
}

#[test]
fn nothing_is_unused() {
    assert_eq!(order::NAME, "order");
}
