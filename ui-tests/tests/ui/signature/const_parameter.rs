use durable::prelude::*;

#[durable::workflow]
async fn order<const N: u32>(ctx: &Ctx, total: u32) -> durable::Result<u32> {
    let _ = ctx.now();
    Ok(total + N)
}

fn main() {}
