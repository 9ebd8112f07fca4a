use durable::prelude::*;

#[durable::workflow]
async fn order(ctx: &Ctx, total: u32) -> durable::Result<u32> {
    let payment = ctx.step("charge", |_| charge(total));
    drop(payment);
    Ok(total)
}

async fn charge(total: u32) -> Result<u32, String> {
    Ok(total)
}

fn main() {}
