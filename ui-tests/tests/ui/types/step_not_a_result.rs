use durable::prelude::*;

#[durable::workflow]
async fn order(ctx: &Ctx) -> durable::Result<u32> {
    Ok(ctx.step("charge", |_| async { 7 }).await?)
}

fn main() {}
