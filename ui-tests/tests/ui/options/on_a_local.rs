use durable::prelude::*;

#[durable::workflow]
async fn order(ctx: &Ctx, patient: bool) -> durable::Result<u32> {
    let charge = ctx.step("charge", |_| charge());
    let paid = if patient {
        charge.retry(Retry::exponential().max_attempts(9)).await?
    } else {
        charge.await?
    };
    Ok(paid)
}

async fn charge() -> Result<u32, String> {
    Ok(7)
}

fn main() {}
