use durable::prelude::*;

#[durable::workflow]
async fn order(ctx: &Ctx, total: u32) -> durable::Result<u32> {
    let copy = ctx.clone();
    Ok(total + u32::from(copy.is_replaying()))
}

fn main() {}
