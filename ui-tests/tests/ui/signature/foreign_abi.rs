use durable::prelude::*;

#[durable::workflow]
async extern "C" fn order(ctx: &Ctx, total: u32) -> durable::Result<u32> {
    let _ = ctx.now();
    Ok(total)
}

fn main() {}
