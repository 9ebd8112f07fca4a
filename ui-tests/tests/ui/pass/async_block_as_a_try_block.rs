//! An `async` block that the body awaits at once groups operations.
use durable::prelude::*;

#[durable::workflow]
async fn transfer(ctx: &Ctx, amount: u32) -> durable::Result<u32> {
    let outcome: Result<u32, Failure> = async {
        let taken = ctx.step("take", |_| pay(amount)).await?;
        if taken == 0 {
            return Ok(0);
        }
        ctx.step("give", |_| pay(taken)).await
    }
    .await;
    match outcome {
        Ok(given) => Ok(given),
        Err(failure) => {
            tracing_like(failure.message());
            Ok(ctx.step("give_back", |_| pay(amount)).await?)
        }
    }
}

fn tracing_like(message: &str) {
    println!("{message}");
}

async fn pay(amount: u32) -> Result<u32, String> {
    Ok(amount)
}

fn main() {}
