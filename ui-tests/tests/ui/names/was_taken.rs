use durable::prelude::*;

#[durable::workflow]
async fn order(ctx: &Ctx) -> durable::Result<()> {
    ctx.step("charge", |_| async { Ok::<u32, String>(1) }).await?;
    ctx.step("debit", |_| async { Ok::<u32, String>(2) }).was("charge").await?;
    Ok(())
}

fn main() {}
