use durable::prelude::*;

#[durable::workflow]
async fn order(ctx: &Ctx, total: u32, card: String) -> durable::Result<u32> {
    let _ = (ctx.now(), card);
    Ok(total)
}

fn main() {}
