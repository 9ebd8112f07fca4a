use durable::prelude::*;
use std::collections::HashMap;

#[durable::workflow]
async fn order(ctx: &Ctx, total: u32) -> durable::Result<u32> {
    let parts = (0..total).map(|part| (part, 1)).collect::<HashMap<_, _>>();
    for part in parts.into_keys() {
        ctx.step("charge", |_| charge(part)).await?;
    }
    Ok(total)
}

async fn charge(total: u32) -> Result<u32, String> {
    Ok(total)
}

fn main() {}
