use durable::prelude::*;
use std::time::Duration;

#[derive(Debug, serde::Serialize, serde::Deserialize)]
pub struct Order {
    card: String,
    total: u32,
}

/// Takes an order from payment to delivery.
#[durable::workflow]
pub async fn order(ctx: &Ctx, input: Order) -> durable::Result<u32> {
    let payment = ctx
        .step("charge", |step| charge(&input, step.idempotency_key()))
        .retry(Retry::exponential().max_attempts(5))
        .timeout(Duration::from_secs(30))
        .compensate(refund)
        .await?;
    if payment > 100 {
        ctx.sleep("cooling_off", Duration::from_secs(3600)).await?;
    }
    let approval = ctx.signal::<bool>("approval").timeout(Duration::from_secs(86_400)).await?;
    let parcel = ctx.child::<ship>("parcel", approval).await?;
    Ok(payment + parcel)
}

async fn charge(order: &Order, key: String) -> Result<u32, std::io::Error> {
    Ok(order.total + u32::try_from(order.card.len() + key.len()).unwrap_or(0))
}

#[durable::compensate]
pub async fn refund(_step: &StepCtx, _payment: u32) -> Result<(), std::io::Error> {
    Ok(())
}

#[durable::workflow(name = "shipping", was = "ship")]
async fn ship(ctx: &Ctx, _approved: bool) -> durable::Result<u32> {
    Ok(ctx.step("hand_over", |_| async { Ok::<_, String>(7) }).was("deliver").await?)
}

fn main() {
    let graph = order::GRAPH;
    assert_eq!(graph.workflow, "order");
    let names: Vec<_> = graph.operations().iter().map(|operation| operation.name).collect();
    assert_eq!(names, ["charge", "cooling_off", "approval", "parcel"]);
    assert_eq!(order::approval.name(), "approval");
    assert_eq!((ship::NAME, ship::GRAPH.was), ("shipping", &["ship"][..]));
    assert_eq!(ship::GRAPH.operations()[0].was, ["deliver"]);
    let charge = graph.operations()[0];
    assert_eq!(charge.compensation, Some("refund"));
    assert_eq!(charge.options[0], ("retry", "Retry::exponential().max_attempts(5)"));
}
