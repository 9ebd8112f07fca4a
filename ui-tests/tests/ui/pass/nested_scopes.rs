//! Operations in nested blocks, branches and unlabelled blocks.
use std::time::Duration;

use durable::prelude::*;

#[durable::workflow]
async fn order(ctx: &Ctx, total: u32) -> durable::Result<u32> {
    let paid = {
        let half = total / 2;
        if half > 10 {
            ctx.step("large", |_| pay(half)).await?
        } else if half > 5 {
            match ctx.step("medium", |_| pay(half)).await {
                Ok(paid) => paid,
                Err(failure) if failure.attempts() > 3 => return Err(failure.into()),
                Err(_) => ctx.step("medium_again", |_| pay(half)).await?,
            }
        } else {
            0
        }
    };
    let result = if paid > 0 { Some(ctx.signal::<u32>("tip").await?) } else { None };
    let tip = match result {
        Some(tip) => tip,
        None => {
            ctx.sleep("pity", Duration::from_secs(1)).await?;
            0
        }
    };
    Ok(paid + (ctx.step("sum", |_| pay(tip)).await? + tip) * if tip > 1 { 2 } else { 1 })
}

async fn pay(amount: u32) -> Result<u32, String> {
    Ok(amount)
}

fn main() {
    assert_eq!(order::GRAPH.operations().len(), 6);
}
