use durable::prelude::*;

#[durable::workflow]
async fn order(ctx: &Ctx, total: u32) -> durable::Result<u32> {
    let at = ctx.step("stamp", |_| async { Ok::<_, String>(ctx.now()) }).await?;
    let age = ctx.now().duration_since(at)?;
    Ok(total + age.subsec_millis())
}

fn main() {}
