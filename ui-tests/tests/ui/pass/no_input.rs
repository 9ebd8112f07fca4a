//! A workflow without an input, one that waits for nothing, and one that ignores its context.
use durable::prelude::*;

#[durable::workflow]
async fn tick(ctx: &Ctx) -> durable::Result<()> {
    ctx.sleep("tick", std::time::Duration::from_secs(1)).await.map_err(Into::into)
}

#[durable::workflow]
async fn nothing(_: &Ctx) -> durable::Result<u32> {
    Ok(4)
}

#[durable::workflow]
async fn echo(_ctx: &Ctx, text: String) -> Result<String, String> {
    Ok(text)
}

fn main() {
    assert!(nothing::GRAPH.operations().is_empty());
}
