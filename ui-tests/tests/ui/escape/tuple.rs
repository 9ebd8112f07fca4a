use durable::prelude::*;

#[durable::workflow]
async fn order(ctx: &Ctx, total: u32) -> durable::Result<u32> {
    let pair = (ctx, total);
    Ok(pair.1)
}

fn main() {}
