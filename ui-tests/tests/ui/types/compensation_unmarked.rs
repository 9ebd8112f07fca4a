use durable::prelude::*;

#[durable::workflow]
async fn order(ctx: &Ctx) -> durable::Result<u32> {
    let paid = ctx
        .step("charge", |_| async { Ok::<u32, String>(7) })
        .compensate(refund)
        .await?;
    Ok(paid)
}

async fn refund(_step: &StepCtx, _paid: u32) -> durable::Result<()> {
    Ok(())
}

fn main() {}
