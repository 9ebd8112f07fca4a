use durable::prelude::*;

#[durable::workflow]
async fn order(ctx: &Ctx, total: u32) -> durable::Result<u32> {
    let sum = plus_one(ctx.step("charge", |_| charge(total)).await?).await;
    Ok(sum)
}

async fn charge(total: u32) -> Result<u32, String> {
    Ok(total)
}

async fn plus_one(paid: u32) -> u32 {
    paid + 1
}

fn main() {}
