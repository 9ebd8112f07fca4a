use durable::prelude::*;

#[durable::workflow]
async fn order(ctx: &Ctx, total: u32) -> durable::Result<u32> {
    let draw = || ctx.random();
    let first = draw();
    let second = ctx.step("draw", |_| async { Ok::<_, String>(draw()) }).await?;
    Ok(total + u32::from(first == second))
}

fn main() {}
