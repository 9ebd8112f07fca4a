use durable::prelude::*;

#[durable::workflow]
async fn order(ctx: &Ctx) -> durable::Result<u32> {
    let charge = ctx.step("charge", |_| async { Ok::<u32, String>(7) });
    let paid = charge.compensate(refund).await?;
    Ok(paid)
}

#[durable::compensate]
async fn refund(step: &StepCtx, payment: u32) -> durable::Result<()> {
    let _ = (step, payment);
    Ok(())
}

fn main() {}
