use durable::prelude::*;

#[durable::workflow]
async fn order(ctx: &Ctx) -> durable::Result<u32> {
    Ok(ctx.step("charge", |_| charge()).await?)
}

fn charge() -> Result<u32, String> {
    Ok(7)
}

fn main() {}
