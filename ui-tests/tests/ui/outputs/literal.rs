use durable::prelude::*;

#[durable::workflow]
async fn order(ctx: &Ctx) -> durable::Result<String> {
    let state = ctx.step("pay", |_| async { Ok::<_, String>("paid") }).await?;
    Ok(format!("the order is {state}"))
}

fn main() {}
