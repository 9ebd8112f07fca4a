use durable::prelude::*;

#[durable::workflow]
async fn order(ctx: &Ctx, total: u32) -> durable::Result<u32> {
    let (paid, sent) = durable::join!(ctx.step("charge", |_| charge(total)), charge(1));
    Ok(paid? + sent?)
}

async fn charge(total: u32) -> Result<u32, String> {
    Ok(total)
}

fn main() {}
