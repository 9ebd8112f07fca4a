use durable::prelude::*;

#[durable::workflow]
async fn order(ctx: &Ctx, total: u32) -> durable::Result<u32> {
    let id = Ctx::run_id(ctx);
    Ok(total + id.as_str().len() as u32)
}

fn main() {}
