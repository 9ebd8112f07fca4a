//! A closure that only steps use is part of their bodies, wherever it is written.
use durable::prelude::*;

#[durable::workflow]
async fn mirror(ctx: &Ctx, pages: Vec<String>) -> durable::Result<u64> {
    let fetch = |page: String| async move {
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
        Ok::<u64, String>(page.len() as u64)
    };
    let body = |step: StepCtx| async move { Ok::<u64, String>(u64::from(step.attempt())) };
    let first = ctx.step("first", body).await?;
    let mut sum = first;
    for page in &pages {
        sum += ctx.step("page", |_| fetch(page.clone())).await?;
    }
    sum += ctx.step("free", checksum).await?;
    Ok(sum)
}

async fn checksum(step: StepCtx) -> Result<u64, std::io::Error> {
    tokio::task::yield_now().await;
    Ok(step.run_id().as_str().len() as u64)
}

fn main() {}
