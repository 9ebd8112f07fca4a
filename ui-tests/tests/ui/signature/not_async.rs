use durable::prelude::*;

#[durable::workflow]
fn order(ctx: &Ctx, total: u32) -> durable::Result<u32> {
    ctx.sleep("settle", std::time::Duration::from_secs(60)).await?;
    Ok(total)
}

fn main() {}
