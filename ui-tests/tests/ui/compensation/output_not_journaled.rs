use durable::prelude::*;

struct Payment {
    id: u32,
}

#[durable::workflow]
async fn order(ctx: &Ctx) -> durable::Result<u32> {
    let payment = ctx
        .step("charge", |_| async { Ok::<_, String>(Payment { id: 7 }) })
        .compensate(refund)
        .await?;
    Ok(payment.id)
}

#[durable::compensate]
async fn refund(step: &StepCtx, payment: Payment) -> durable::Result<()> {
    println!("{} {}", step.attempt(), payment.id);
    Ok(())
}

fn main() {}
