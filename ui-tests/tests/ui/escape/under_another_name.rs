use durable::prelude::*;

#[durable::workflow]
async fn order(ctx: &Ctx, total: u32) -> durable::Result<u32> {
    match ctx {
        run if total > 100 => {
            run.sleep("settle", std::time::Duration::from_secs(60)).await?;
            Ok(run.step("charge", |_| async move { Ok::<u32, String>(total) }).await?)
        }
        _ => Ok(0),
    }
}

fn main() {}
