use durable::prelude::*;

#[durable::workflow]
async fn order(ctx: &Ctx) -> durable::Result<bool> {
    Ok(ctx.signal::<bool>("approval").await?)
}

async fn approve(client: &Client) -> Result<(), durable::Error> {
    let run = client.attach::<order>("order-42").await?;
    run.signal(order::approval, "yes").await
}

fn main() {
    let _ = approve;
}
