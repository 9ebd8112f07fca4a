use durable::prelude::*;

#[durable::workflow]
async fn order(ctx: &Ctx, total: u32) -> durable::Result<u32> {
    let age = std::time::UNIX_EPOCH.elapsed()?;
    ctx.step("charge", |_| charge(total)).await?;
    Ok(total + age.subsec_millis())
}

async fn charge(total: u32) -> Result<u32, String> {
    Ok(total)
}

fn main() {}
