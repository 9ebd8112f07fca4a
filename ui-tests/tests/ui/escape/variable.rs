use durable::prelude::*;

#[durable::workflow]
async fn order(ctx: &Ctx, total: u32) -> durable::Result<u32> {
    let context = ctx;
    Ok(total + u32::from(context.is_replaying()))
}

fn main() {}
