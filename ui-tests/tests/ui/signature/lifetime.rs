use durable::prelude::*;

#[durable::workflow]
async fn order<'a>(ctx: &'a Ctx, total: u32) -> durable::Result<u32> {
    let _ = ctx.now();
    Ok(total)
}

fn main() {}
