use durable::prelude::*;

#[durable::workflow]
async fn order(ctx: &Ctx, total: u32) -> durable::Result<u32> {
    let approved = ctx.signal::<u32>("approval").compensate(refund).await?;
    Ok(total + approved)
}

#[durable::compensate]
async fn refund(step: &StepCtx, payment: u32) -> durable::Result<()> {
    println!("{} {payment}", step.attempt());
    Ok(())
}

fn main() {}
