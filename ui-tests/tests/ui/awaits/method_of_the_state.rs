use durable::prelude::*;

struct Client;

impl Client {
    async fn balance(&self) -> Result<u32, String> {
        Ok(1)
    }
}

#[durable::workflow]
async fn order(ctx: &Ctx) -> durable::Result<u32> {
    Ok(ctx.state::<Client>().balance().await?)
}

fn main() {}
