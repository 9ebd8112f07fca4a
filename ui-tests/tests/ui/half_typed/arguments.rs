use durable::prelude::*;

#[durable::workflow]
async fn order(ctx: &Ctx) -> durable::Result<()> {
    ctx.step("charge", );
    Ok(())
}

fn main() {}
