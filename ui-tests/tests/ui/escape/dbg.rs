use durable::prelude::*;

#[durable::workflow]
async fn order(ctx: &Ctx, total: u32) -> durable::Result<u32> {
    dbg!(ctx);
    Ok(total)
}

fn main() {}
