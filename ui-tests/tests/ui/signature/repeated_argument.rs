use durable::prelude::*;

#[durable::workflow(name = "order", name = "purchase")]
async fn order(ctx: &Ctx, total: u32) -> durable::Result<u32> {
    let _ = ctx.now();
    Ok(total)
}

fn main() {}
