use durable::prelude::*;

#[durable::workflow]
async fn order(ctx: &Ctx, total: u32) -> durable::Result<u32> {
    let paid = ctx
        .step("charge", |_| charge(total))
        .compensate(refund)
        .compensate(refund)
        .await?;
    Ok(paid)
}

async fn charge(total: u32) -> Result<u32, String> {
    Ok(total)
}

#[durable::compensate]
async fn refund(step: &StepCtx, payment: u32) -> durable::Result<()> {
    println!("{} {payment}", step.attempt());
    Ok(())
}

fn main() {}
