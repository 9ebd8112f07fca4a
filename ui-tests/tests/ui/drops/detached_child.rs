//! A run that nobody waits for is started with a client.

use durable::prelude::*;

#[durable::workflow]
async fn mail(ctx: &Ctx, to: String) -> durable::Result<String> {
    Ok(ctx.step("send", async |_| Ok::<_, String>(to.clone())).await?)
}

#[durable::workflow]
async fn order(ctx: &Ctx) -> durable::Result<()> {
    ctx.child::<mail>("mail", "Ada".to_owned());
    Ok(())
}

fn main() {}
