use durable::prelude::*;

#[durable::workflow]
async fn order(ctx: &Ctx, total: u32) -> durable::Result<&str> {
    let _ = (ctx.now(), total);
    Ok("paid")
}

fn main() {}
