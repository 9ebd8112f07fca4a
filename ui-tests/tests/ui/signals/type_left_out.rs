use durable::prelude::*;

#[durable::workflow]
async fn order(ctx: &Ctx, total: u32) -> durable::Result<u32> {
    let approved: u32 = ctx.signal::<_>("approval").await?;
    Ok(total + approved)
}

fn main() {}
