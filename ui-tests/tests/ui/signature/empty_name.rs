use durable::prelude::*;

#[durable::workflow(name = "")]
async fn order(ctx: &Ctx) -> durable::Result<u32> {
    Ok(ctx.signal::<u32>("paid").await?)
}

fn main() {}
