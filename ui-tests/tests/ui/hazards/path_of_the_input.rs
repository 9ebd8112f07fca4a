use durable::prelude::*;

use std::path::PathBuf;

#[durable::workflow]
async fn order(ctx: &Ctx, invoice: PathBuf) -> durable::Result<bool> {
    let paid = ctx.signal::<bool>("paid").await?;
    Ok(paid && invoice.exists())
}

fn main() {}
