//! A branch of a combinator may come out of a block, a box or an async closure.
use std::time::Duration;

use durable::prelude::*;

#[durable::workflow]
async fn order(ctx: &Ctx, parts: Vec<u32>) -> durable::Result<u32> {
    let chains = durable::try_join_all(parts.iter().map(|part| {
        let double = part * 2;
        async move {
            let paid = ctx.step("charge", |_| pay(double)).await?;
            ctx.step("keep", |_| pay(paid)).await
        }
    }))
    .await?;
    let (slept, paid) = durable::join!(Box::pin(async { ctx.sleep("settle", Duration::from_secs(1)).await }), {
        let one = 1;
        async move { ctx.step("one", |_| pay(one)).await }
    });
    slept?;
    let boxed = Box::pin(async { ctx.step("boxed", |_| pay(2)).await }).await?;
    Ok(chains.into_iter().sum::<u32>() + paid? + boxed)
}

async fn pay(amount: u32) -> Result<u32, String> {
    Ok(amount)
}

fn main() {
    assert_eq!(order::GRAPH.operations().len(), 5);
}
