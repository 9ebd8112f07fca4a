use durable::prelude::*;

#[durable::workflow]
async fn order(ctx: &Ctx) -> durable::Result<usize> {
    Ok(ctx.signal::<&'static str>("note").await?.len())
}

fn main() {}
