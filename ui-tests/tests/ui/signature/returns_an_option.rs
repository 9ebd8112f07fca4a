use durable::prelude::*;

#[durable::workflow]
async fn order(ctx: &Ctx, total: u32) -> Option<u32> {
    ctx.sleep("settle", std::time::Duration::from_secs(60)).await.ok()?;
    Some(total)
}

fn main() {}
