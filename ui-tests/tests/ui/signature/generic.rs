use durable::prelude::*;

#[durable::workflow]
async fn order<T: Data>(ctx: &Ctx, total: T) -> durable::Result<T> {
    ctx.sleep("settle", std::time::Duration::from_secs(1)).await?;
    Ok(total)
}

trait Data {}

fn main() {}
