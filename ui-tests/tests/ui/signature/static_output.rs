use durable::prelude::*;

#[durable::workflow]
async fn order(ctx: &Ctx) -> durable::Result<&'static str> {
    ctx.signal::<u32>("paid").await?;
    Ok("paid")
}

fn main() {}
