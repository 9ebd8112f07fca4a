//! Operations of one name under a `cfg` and its negation: the graph is of what is compiled.

use durable::prelude::*;

#[durable::workflow]
async fn order(ctx: &Ctx, total: u32) -> durable::Result<u32> {
    #[cfg(debug_assertions)]
    let paid = ctx.step("charge", |_| async move { Ok::<u32, String>(total) }).await?;
    #[cfg(not(debug_assertions))]
    let paid = ctx.signal::<u32>("charge").timeout(std::time::Duration::from_secs(60)).await?;
    #[cfg(unix)]
    {
        bill(ctx.scope("billing"), paid).await?;
    }
    #[cfg(not(unix))]
    {
        ctx.sleep("billing", std::time::Duration::from_secs(1)).await?;
    }
    Ok(paid)
}

#[durable::steps]
async fn bill(ctx: Ctx, paid: u32) -> durable::Result<()> {
    #[cfg(not(windows))]
    ctx.step("post", |_| async move { Ok::<u32, String>(paid) }).compensate(undo).await?;
    #[cfg(windows)]
    ctx.step("post", |_| async move { Ok::<u32, String>(paid + 1) }).await?;
    Ok(())
}

#[durable::compensate]
async fn undo(_step: &StepCtx, _paid: u32) -> durable::Result<()> {
    Ok(())
}

fn main() {
    let operations = order::GRAPH.operations();
    let names: Vec<_> = operations.iter().map(|operation| operation.name).collect();
    assert_eq!(names, ["charge", "post"]);
}
