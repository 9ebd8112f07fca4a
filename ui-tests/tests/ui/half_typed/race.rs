use durable::prelude::*;

#[durable::workflow]
async fn order(ctx: &Ctx) -> durable::Result<()> {
    let paid = durable::race! { paid = ctx.signal::<u32>("paid") => };
    Ok(paid)
}

fn main() {}
