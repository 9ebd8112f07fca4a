//! Blocks and lists that wait in a local for a combinator, or for their `.await`.
use std::time::Duration;

use durable::prelude::*;

#[durable::workflow]
async fn order(ctx: &Ctx, lines: Vec<u32>) -> durable::Result<u32> {
    let quick = async { ctx.step("quick", |_| pay(1)).await };
    let slow = async move {
        ctx.sleep("a_while", Duration::from_secs(1)).await?;
        ctx.step("slow", |_| pay(2)).await
    };
    let first = durable::race!(quick, slow)?;

    let left = async { ctx.step("left", |_| pay(3)).await };
    let right = Box::pin(async { ctx.step("right", |_| pay(4)).await });
    let (left, right) = durable::try_join!(left, right)?;

    let branches = lines.iter().map(|line| async move {
        let paid = ctx.step("pay", |_| pay(*line)).await?;
        ctx.step("book", |_| pay(paid)).await
    });
    let booked: u32 = durable::try_join_all(branches).await?.iter().sum();

    let packed: Vec<_> = lines.iter().map(|line| ctx.step("pack", |_| pay(*line))).collect();
    let packed: u32 = durable::try_join_all(packed).await?.iter().sum();

    let mut sent = Vec::new();
    for line in &lines {
        sent.push(async move { ctx.step("send", |_| pay(*line)).await });
    }
    let sent = durable::join_all(sent).await;

    let last = async { ctx.step("last", |_| pay(5)).await };
    Ok(first + left + right + booked + packed + u32::try_from(sent.len())? + last.await?)
}

async fn pay(amount: u32) -> Result<u32, String> {
    Ok(amount)
}

fn main() {
    let names: Vec<_> = order::GRAPH.operations().iter().map(|operation| operation.name).collect();
    assert_eq!(
        names,
        ["quick", "a_while", "slow", "left", "right", "pay", "book", "pack", "send", "last"]
    );
}
