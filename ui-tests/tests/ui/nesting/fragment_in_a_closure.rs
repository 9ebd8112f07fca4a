use durable::prelude::*;

#[durable::workflow]
async fn order(ctx: &Ctx, total: u32) -> durable::Result<u32> {
    let bills: Vec<_> = (0..total).map(|part| bill(ctx.scope("bills"), part)).collect();
    let mut paid = 0;
    for bill in bills {
        paid += bill.await?;
    }
    Ok(paid)
}

#[durable::steps]
async fn bill(ctx: Ctx, total: u32) -> durable::Result<u32> {
    Ok(ctx.step("charge", |_| async move { Ok::<_, String>(total) }).await?)
}

fn main() {}
