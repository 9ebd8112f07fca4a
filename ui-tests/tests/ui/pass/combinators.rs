//! Every form of the combinators.
use std::time::Duration;

use durable::prelude::*;
use durable::{join, race, try_join};

#[durable::workflow]
async fn together(ctx: &Ctx, parts: Vec<u32>) -> durable::Result<u32> {
    let (one, two) = durable::join!(ctx.step("one", |_| pay(1)), ctx.step("two", |_| pay(2)));
    let (three, four) = try_join!(
        ctx.step("three", |_| pay(3)).retry(Retry::linear()),
        async {
            let half = ctx.step("half", |_| pay(2)).await?;
            ctx.sleep("between", Duration::from_secs(1)).await?;
            Ok::<u32, Failure>(half + ctx.step("other_half", |_| pay(2)).await?)
        },
    )?;
    let local = ctx.step("local", |_| pay(5));
    let (five, six) = join!(local, ctx.step("six", |_| pay(6)));
    let first = race!(ctx.step("fast", |_| pay(7)), ctx.step("slow", |_| pay(8)))?;
    let decided = durable::race! {
        decision = ctx.signal::<u32>("decision") => decision?,
        _ = ctx.sleep("deadline", Duration::from_secs(60)) => {
            ctx.step("remind", |_| pay(9)).await?
        }
    };
    let all = durable::try_join_all(parts.iter().map(|part| ctx.step("part", |_| pay(*part)))).await?;
    let chains = durable::join_all(parts.iter().filter(|part| **part > 1).map(|part| async move {
        let paid = ctx.step("fetch", |_| pay(*part)).await?;
        ctx.step("keep", |_| pay(paid)).await
    }))
    .await;
    let mut sum = one? + two? + three + four + five? + six? + first + decided;
    sum += all.into_iter().sum::<u32>();
    for chain in chains {
        sum += chain.unwrap_or_default();
    }
    Ok(sum)
}

async fn pay(amount: u32) -> Result<u32, String> {
    Ok(amount)
}

fn main() {
    assert_eq!(together::GRAPH.operations().len(), 16);
}
