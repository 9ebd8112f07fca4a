use durable::prelude::*;

struct Approval;

#[durable::workflow]
async fn order(ctx: &Ctx) -> durable::Result<()> {
    ctx.signal::<Approval>("approval").await?;
    Ok(())
}

fn main() {}
