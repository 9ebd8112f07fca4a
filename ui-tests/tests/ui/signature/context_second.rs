use durable::prelude::*;

#[durable::workflow]
async fn order(total: u32, ctx: &Ctx) -> durable::Result<u32> {
    Ok(total - ctx.signal::<u32>("paid").await?)
}

fn main() {}
