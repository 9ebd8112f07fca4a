use durable::prelude::*;

#[durable::workflow]
async fn order(ctx: &Ctx, total: u32) -> durable::Result<u32> {
    let number = ctx.signal::<u32>("approval").await?;
    let word = ctx.signal::<String>("approval").await?;
    Ok(total + number + word.len() as u32)
}

fn main() {}
