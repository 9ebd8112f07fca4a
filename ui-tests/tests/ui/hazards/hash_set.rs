use durable::prelude::*;

#[durable::workflow]
async fn order(ctx: &Ctx, total: u32) -> durable::Result<u32> {
    let parts = std::collections::HashSet::from([1, total]);
    for part in parts {
        ctx.step("charge", |_| charge(part)).await?;
    }
    Ok(total)
}

async fn charge(total: u32) -> Result<u32, String> {
    Ok(total)
}

fn main() {}
