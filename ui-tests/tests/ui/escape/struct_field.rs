use durable::prelude::*;

#[durable::workflow]
async fn order(ctx: &Ctx, total: u32) -> durable::Result<u32> {
    let payment = Payment { ctx, total };
    Ok(payment.total + u32::from(payment.ctx.is_replaying()))
}

struct Payment<'a> {
    ctx: &'a Ctx,
    total: u32,
}

fn main() {}
