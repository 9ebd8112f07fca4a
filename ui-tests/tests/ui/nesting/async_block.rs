use durable::prelude::*;

#[durable::workflow]
async fn order(ctx: &Ctx, total: u32) -> durable::Result<u32> {
    let payment = async { ctx.step("charge", |_| charge(total)).await };
    let (paid, more) = durable::join!(payment, ctx.step("more", |_| charge(1)));
    Ok(paid? + more?)
}

async fn charge(total: u32) -> Result<u32, String> {
    Ok(total)
}

fn main() {}
