use durable::prelude::*;
use std::collections::HashMap;

#[durable::workflow]
async fn order(ctx: &Ctx, total: u32) -> durable::Result<u32> {
    let mut parts: HashMap<u32, u32> = HashMap::new();
    parts.insert(1, total);
    for part in parts.into_values() {
        ctx.step("charge", |_| charge(part)).await?;
    }
    Ok(total)
}

async fn charge(total: u32) -> Result<u32, String> {
    Ok(total)
}

fn main() {}
