use durable::{Outcome, prelude::*};

#[durable::workflow]
async fn order(ctx: &Ctx) -> durable::Result<()> {
    ctx.step("charge", |_| async { Ok::<_, String>(String::from("payment")) })
        .compensate(refund)
        .await?;
    Ok(())
}

#[durable::compensate]
async fn refund(step: &StepCtx, payment: Outcome<u32>) -> durable::Result<()> {
    let _ = (step, payment);
    Ok(())
}

fn main() {}
