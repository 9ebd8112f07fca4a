use durable::prelude::*;

#[durable::workflow]
async fn order(ctx: &Ctx) -> durable::Result<()> {
    let now = durable::nondeterministic!(std::time::SystemTime::now());
    ctx.sleep_until("later", now).await?;
    Ok(())
}

fn main() {}
