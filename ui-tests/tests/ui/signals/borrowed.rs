use durable::prelude::*;

#[durable::workflow]
async fn order(ctx: &Ctx) -> durable::Result<usize> {
    let note = ctx.signal::<&str>("note").await?;
    Ok(note.len())
}

fn main() {}
