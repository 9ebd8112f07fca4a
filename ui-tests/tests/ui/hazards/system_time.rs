use durable::prelude::*;

#[durable::workflow]
async fn order(ctx: &Ctx, total: u32) -> durable::Result<u32> {
    let now = std::time::SystemTime::now();
    let age = ctx.now().duration_since(now)?;
    Ok(total + age.subsec_millis())
}

fn main() {}
