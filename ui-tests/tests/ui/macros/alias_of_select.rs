use durable::prelude::*;

#[durable::workflow]
async fn order(ctx: &Ctx, total: u32) -> durable::Result<u32> {
    use tokio::select as first;
    first! {
        _ = charge(total) => {}
        _ = charge(1) => {}
    }
    let paid = ctx.step("charge", |_| charge(total)).await?;
    Ok(paid)
}

async fn charge(total: u32) -> Result<u32, String> {
    Ok(total)
}

fn main() {}
