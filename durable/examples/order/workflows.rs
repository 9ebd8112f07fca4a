//! The order saga: everything durable about this example is in this file.

use std::time::Duration;

use durable::prelude::*;
use serde::{Deserialize, Serialize};

use super::shop::Shop;

/// Takes an order from payment to delivery.
#[durable::workflow]
pub async fn order(ctx: &Ctx, input: Order) -> durable::Result<Receipt> {
    let shop = ctx.state::<Shop>();
    let payment = ctx
        .step("charge", |step| shop.charge(step, &input))
        .retry(Retry::exponential().max_attempts(5))
        .timeout(Duration::from_secs(30))
        .compensate(refund)
        .await?;
    ctx.sleep("cooling_off", input.cooling_off).await?;
    let approval = ctx
        .signal::<Approval>("approval")
        .timeout(Duration::from_secs(86_400))
        .await?;
    let parcel = ctx
        .child::<ship>("parcel", Shipment::of(&input, &approval))
        .await?;
    Ok(Receipt { payment, parcel })
}

/// Packs what was ordered and hands it to the carrier.
#[durable::workflow]
pub async fn ship(ctx: &Ctx, shipment: Shipment) -> durable::Result<Parcel> {
    let shop = ctx.state::<Shop>();
    let label = ctx.step("pack", |step| shop.pack(step, &shipment)).await?;
    let parcel = ctx
        .step("hand_over", |step| shop.hand_over(step, &shipment, &label))
        .await?;
    Ok(parcel)
}

/// Gives the money back.
#[durable::compensate]
async fn refund(step: &StepCtx, payment: Payment) -> Result<(), StepError> {
    step.state::<Shop>().refund(step, &payment).await
}

/// What a customer orders.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Order {
    /// The item.
    pub item: String,
    /// What it costs, in cents.
    pub cents: u32,
    /// The card that pays.
    pub card: String,
    /// Where it goes.
    pub address: String,
    /// How long the customer may think again.
    pub cooling_off: Duration,
}

/// Somebody lets an order through.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Approval {
    /// Who.
    pub by: String,
}

/// What was taken from a card.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Payment {
    /// The payment provider's number.
    pub id: String,
    /// How much, in cents.
    pub cents: u32,
}

/// What is to be shipped, and where to.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Shipment {
    /// The item.
    pub item: String,
    /// Where it goes.
    pub address: String,
    /// Who let it through.
    pub approved_by: String,
}

impl Shipment {
    fn of(order: &Order, approval: &Approval) -> Self {
        Self {
            item: order.item.clone(),
            address: order.address.clone(),
            approved_by: approval.by.clone(),
        }
    }
}

/// What is on its way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parcel {
    /// The carrier's number.
    pub tracking: String,
}

/// What the customer gets in the end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// What was paid.
    pub payment: Payment,
    /// What was sent.
    pub parcel: Parcel,
}
