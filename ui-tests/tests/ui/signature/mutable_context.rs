use durable::prelude::*;

#[durable::workflow]
async fn order(ctx: &mut Ctx, total: u32) -> durable::Result<u32> {
    let _ = ctx.now();
    Ok(total)
}

fn main() {}
