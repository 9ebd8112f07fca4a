//! The context is known by its parameter's name, whatever that is.
use durable::prelude::*;

#[durable::workflow]
async fn order(run: &durable::Ctx, total: u32) -> durable::Result<u32> {
    let ctx = total + 1;
    let paid = run.step("charge", |_| async move { Ok::<_, String>(ctx) }).await?;
    (*run).sleep("settle", std::time::Duration::from_secs(1)).await?;
    (run).sleep("again", std::time::Duration::from_secs(1)).await?;
    Ok(paid)
}

fn main() {
    assert_eq!(order::GRAPH.operations().len(), 3);
}
