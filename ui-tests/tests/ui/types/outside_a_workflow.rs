use durable::prelude::*;

#[durable::workflow]
async fn order(ctx: &Ctx) -> durable::Result<u32> {
    Ok(ctx.step("charge", |_| async { Ok::<u32, String>(7) }).await?)
}

async fn helper(ctx: &Ctx) -> durable::Result<u32> {
    Ok(ctx.step("charge", |_| async { Ok::<u32, String>(7) }).await?)
}

fn main() {
    let _ = helper;
}
