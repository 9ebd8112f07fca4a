use durable::prelude::*;

#[durable::workflow]
async fn order(ctx: &Ctx, card: &str) -> durable::Result<u32> {
    let _ = (ctx.now(), card);
    Ok(1)
}

fn main() {}
