use durable::prelude::*;

#[durable::workflow]
async fn order(ctx: &Ctx, total: u32) -> durable::Result<u32> {
    let first = ctx.step("charge_card", |_| charge(total)).await?;
    let second = ctx.step("charge__card", |_| charge(total)).await?;
    Ok(first + second)
}

async fn charge(total: u32) -> Result<u32, String> {
    Ok(total)
}

fn main() {}
