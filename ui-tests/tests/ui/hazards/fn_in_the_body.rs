use durable::prelude::*;

#[durable::workflow]
async fn order(ctx: &Ctx) -> durable::Result<()> {
    fn tomorrow() -> std::time::SystemTime {
        std::time::SystemTime::now() + std::time::Duration::from_secs(86_400)
    }
    ctx.sleep_until("later", tomorrow()).await?;
    Ok(())
}

fn main() {}
