//! Fragments are called with a scope: in branches, in combinators, in loops, in one another.
use durable::prelude::*;

#[durable::workflow]
async fn order(ctx: &Ctx, totals: Vec<u32>) -> durable::Result<u32> {
    let mut sum = 0;
    for total in &totals {
        sum += bill(ctx.scope("each"), *total).await?;
    }
    let later = bill(ctx.scope("later"), sum);
    ctx.sleep("settle", std::time::Duration::from_secs(1)).await?;
    sum += later.await?;
    let (one, two) = durable::join!(bill(ctx.scope("one"), 1), twice(ctx.scope("two"), &totals));
    let all = durable::join_all(totals.iter().map(|total| bill(ctx.scope("all"), *total))).await;
    for paid in all {
        sum += paid?;
    }
    Ok(match sum {
        0 => bill(ctx.scope("none"), 0).await?,
        _ => sum + one? + two?,
    })
}

/// Takes a payment.
#[durable::steps]
async fn bill(ctx: Ctx, total: u32) -> durable::Result<u32> {
    Ok(ctx.step("charge", |_| async move { Ok::<_, String>(total) }).retry(Retry::never()).await?)
}

/// A fragment of fragments, which borrows.
#[durable::steps]
async fn twice(ctx: Ctx, totals: &[u32]) -> durable::Result<u32> {
    let total = totals.iter().sum();
    let first = bill(ctx.scope("first"), total).await?;
    let second = bill(ctx.scope("second"), total).await?;
    Ok(first + second)
}

fn main() {}
