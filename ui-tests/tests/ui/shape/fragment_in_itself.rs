use durable::prelude::*;

#[durable::steps]
async fn countdown(ctx: Ctx, rounds: u32) -> durable::Result<u32> {
    if rounds == 0 {
        return Ok(ctx.signal::<u32>("start").await?);
    }
    Box::pin(countdown(ctx.scope("next"), rounds - 1)).await
}

fn main() {}
