use durable::prelude::*;

#[durable::workflow]
async fn order(run: &Ctx, total: u32) -> durable::Result<u32> {
    run.sleep("settle", std::time::Duration::from_secs(60)).await?;
    Ok(charge(total).await?)
}

async fn charge(total: u32) -> Result<u32, String> {
    Ok(total)
}

fn main() {}
