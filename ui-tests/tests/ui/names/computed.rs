use durable::prelude::*;

#[durable::workflow]
async fn order(ctx: &Ctx, items: Vec<u32>) -> durable::Result<()> {
    for item in items {
        ctx.step(format!("charge_{item}"), |_| async { Ok::<u32, String>(1) }).await?;
    }
    Ok(())
}

fn main() {}
