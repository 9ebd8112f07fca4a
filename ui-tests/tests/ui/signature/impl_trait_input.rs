use durable::prelude::*;

#[durable::workflow]
async fn order(ctx: &Ctx, card: impl Into<String>) -> durable::Result<u32> {
    let _ = (ctx.now(), card.into());
    Ok(1)
}

fn main() {}
