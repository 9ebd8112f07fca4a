use durable::prelude::*;

#[durable::workflow]
async fn order(ctx: &Ctx) -> durable::Result<bool> {
    Ok(ctx.signal::<bool>("approval").await?)
}

#[durable::workflow]
async fn ship(ctx: &Ctx) -> durable::Result<bool> {
    Ok(ctx.signal::<bool>("handed_over").await?)
}

async fn approve(client: &Client) -> Result<(), durable::Error> {
    let run = client.attach::<order>("order-42").await?;
    run.signal(ship::handed_over, true).await
}

fn main() {
    let _ = approve;
}
