use durable::prelude::*;

#[durable::workflow]
async fn order(ctx: &Ctx, total: u32) -> durable::Result<u32> {
    let name = format!("approval_{total}");
    let approved = ctx.signal::<u32>(&name).await?;
    Ok(approved)
}

fn main() {}
