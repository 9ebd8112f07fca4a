//! Branches that fail with the boxed error of `durable::Result`, joined in every way.
use std::time::Duration;

use durable::prelude::*;

#[durable::steps]
async fn bill(ctx: Ctx, amount: u32) -> durable::Result<u32> {
    let paid = ctx.step("charge", |_| pay(amount)).await?;
    ctx.sleep("settle", Duration::from_secs(1)).await?;
    Ok(paid)
}

#[durable::workflow]
async fn bills(ctx: &Ctx, amounts: Vec<u32>) -> durable::Result<u32> {
    let (left, right) = durable::try_join!(bill(ctx.scope("left"), 1), bill(ctx.scope("right"), 2))?;
    let (block, three) = durable::try_join!(
        async {
            let approved = ctx.signal::<u32>("approved").await?;
            Ok::<_, durable::BoxError>(approved)
        },
        bill(ctx.scope("third"), 3),
    )?;
    let (one, two) = durable::join!(bill(ctx.scope("one"), 1), bill(ctx.scope("two"), 2));
    let first = durable::race!(bill(ctx.scope("fast"), 1), bill(ctx.scope("slow"), 2))?;
    let boxed = durable::race!(
        Box::pin(async { bill(ctx.scope("boxed"), 1).await }),
        bill(ctx.scope("plain"), 2),
    )?;
    let second = durable::race! {
        paid = bill(ctx.scope("paid"), 1) => paid?,
        approval = async { Ok::<_, durable::BoxError>(ctx.signal::<u32>("approval").await?) } => approval?,
    };
    let all = durable::try_join_all(
        amounts.iter().map(|amount| bill(ctx.scope("each"), *amount)),
    )
    .await?;
    Ok(left + right + block + three + one? + two? + first + boxed + second + all.iter().sum::<u32>())
}

async fn pay(amount: u32) -> Result<u32, String> {
    Ok(amount)
}

fn main() {
    assert_eq!(bills::GRAPH.operations().len(), 24);
}
