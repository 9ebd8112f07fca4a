use durable::prelude::*;

#[durable::workflow]
async fn order(ctx: &Ctx, total: u32) -> durable::Result<u32> {
    let paid = if total > 100 {
        ctx.step("charge", |_| charge(total)).await?
    } else {
        ctx.step("charge", |_| charge(total + 1)).await?
    };
    Ok(paid)
}

async fn charge(total: u32) -> Result<u32, String> {
    Ok(total)
}

fn main() {}
