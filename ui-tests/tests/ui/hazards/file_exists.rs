use durable::prelude::*;
use std::path::Path;

#[durable::workflow]
async fn order(ctx: &Ctx, name: String) -> durable::Result<()> {
    let receipt = Path::new("receipts").join(name);
    if !receipt.exists() {
        ctx.sleep("settle", std::time::Duration::from_secs(60)).await?;
    }
    Ok(())
}

fn main() {}
