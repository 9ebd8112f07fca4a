use durable::prelude::*;

#[durable::workflow]
async fn order(ctx: &Ctx, total: u32) -> durable::Result<u32> {
    let paid = ctx.step("charge", |_| charge(total)).await?;
    let late = (|context: &Ctx| context.is_replaying())(ctx);
    Ok(paid + u32::from(late))
}

async fn charge(total: u32) -> Result<u32, String> {
    Ok(total)
}

fn main() {}
