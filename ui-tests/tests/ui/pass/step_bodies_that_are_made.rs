//! The body of a step may come out of a block or of a fn.
use durable::prelude::*;

#[durable::workflow]
async fn order(ctx: &Ctx, card: String) -> durable::Result<usize> {
    let in_a_block = ctx
        .step("block", {
            let card = card.clone();
            move |_| {
                let card = card.clone();
                async move {
                    tokio::task::yield_now().await;
                    Ok::<_, String>(card.len())
                }
            }
        })
        .await?;
    let wrapped = ctx
        .step("wrapped", logged(|step: StepCtx| async move { Ok::<_, String>(step.attempt() as usize) }))
        .await?;
    let made = ctx.step("made", body_of(3)).await?;
    let asynchronous = ctx.step("asynchronous", async |_| pay().await).await?;
    Ok(in_a_block + wrapped + made + asynchronous)
}

fn logged<F>(body: F) -> F {
    println!("a step");
    body
}

fn body_of(size: usize) -> impl Fn(StepCtx) -> std::future::Ready<Result<usize, String>> + Send + Sync {
    move |_| std::future::ready(Ok(size))
}

async fn pay() -> Result<usize, String> {
    tokio::task::yield_now().await;
    Ok(1)
}

fn main() {}
