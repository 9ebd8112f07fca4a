use durable::prelude::*;

const OLD: &str = "charge";

#[durable::workflow]
async fn order(ctx: &Ctx) -> durable::Result<()> {
    ctx.step("debit", |_| async { Ok::<u32, String>(1) }).was("Charge!").await?;
    ctx.step("credit", |_| async { Ok::<u32, String>(2) }).was(OLD).await?;
    Ok(())
}

fn main() {}
