use durable::prelude::*;

#[durable::workflow]
async fn order(ctx: &Ctx, total: u32) -> durable::Result<u32> {
    let shared = std::sync::Arc::new(ctx);
    Ok(total + u32::from(shared.is_replaying()))
}

fn main() {}
