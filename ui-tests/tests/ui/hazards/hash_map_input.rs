use durable::prelude::*;

use std::collections::HashMap;

#[durable::workflow]
async fn order(ctx: &Ctx, prices: HashMap<String, u32>) -> durable::Result<u32> {
    let mut sum = 0;
    for price in prices.into_values() {
        sum += ctx.step("pay", |_| async move { Ok::<u32, String>(price) }).await?;
    }
    Ok(sum)
}

fn main() {}
