use durable::prelude::*;

#[durable::workflow]
async fn order(ctx: &Ctx) -> durable::Result<()> {
    type Clock = std::time::SystemTime;
    ctx.sleep_until("later", Clock::now()).await?;
    Ok(())
}

fn main() {}
