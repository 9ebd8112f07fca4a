//! The body of a step may wait in a local for the branches of a combinator, as it may for a step alone.

use std::time::Duration;

use durable::prelude::*;

#[durable::workflow]
async fn order(ctx: &Ctx) -> durable::Result<u32> {
    let slow = async |_: StepCtx| {
        tokio::time::sleep(Duration::from_millis(4)).await;
        Ok::<u32, String>(7)
    };
    let (a, b) = durable::try_join!(ctx.step("one", slow), ctx.step("two", slow))?;
    let c = durable::race! {
        first = ctx.step("three", slow).timeout(Duration::from_secs(1)) => first?,
        _ = ctx.sleep("limit", Duration::from_secs(1)) => ctx.step("four", slow).await?,
    };
    let all = durable::try_join_all(vec![ctx.step("five", slow), ctx.step("six", slow)]).await?;
    Ok(a + b + c + all.len() as u32)
}

fn main() {}
