use durable::prelude::*;

#[durable::compensate]
async fn refund(ctx: &Ctx, payment: u32) -> durable::Result<()> {
    let _ = (ctx.now(), payment);
    Ok(())
}

fn main() {}
