use durable::prelude::*;
use std::time::Duration;

#[durable::workflow]
async fn order(ctx: &Ctx, total: u32) -> durable::Result<u32> {
    let gateway = Gateway;
    let paid = gateway.charge(total).await?;
    ctx.sleep("settle", Duration::from_secs(60)).await?;
    Ok(paid)
}

struct Gateway;

impl Gateway {
    async fn charge(&self, total: u32) -> Result<u32, String> {
        Ok(total)
    }
}

fn main() {}
