use durable::prelude::*;

#[durable::workflow]
async fn order(ctx: &Ctx) -> durable::Result<u32> {
    Ok(ctx.signal::<u32>("paid"))
}

fn main() {}
