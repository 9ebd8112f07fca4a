use durable::prelude::*;

#[derive(Debug)]
struct Declined;

#[durable::workflow]
async fn order(ctx: &Ctx) -> durable::Result<u32> {
    Ok(ctx.step("charge", |_| charge()).await?)
}

async fn charge() -> Result<u32, Declined> {
    Err(Declined)
}

fn main() {}
