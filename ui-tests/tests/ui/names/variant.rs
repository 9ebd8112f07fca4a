use durable::prelude::*;

#[durable::workflow]
async fn order(ctx: &Ctx) -> durable::Result<u32> {
    Ok(ctx.step(order::Charge, |_| async { Ok::<u32, String>(7) }).await?)
}

fn main() {}
