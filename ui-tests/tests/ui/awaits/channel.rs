use durable::prelude::*;

#[durable::workflow]
async fn order(ctx: &Ctx, total: u32) -> durable::Result<u32> {
    let (sender, receiver) = tokio::sync::oneshot::channel::<u32>();
    ctx.step("charge", |_| charge(total)).await?;
    let _ = sender.send(total);
    let paid = receiver.await?;
    Ok(paid)
}

async fn charge(total: u32) -> Result<u32, String> {
    Ok(total)
}

fn main() {}
