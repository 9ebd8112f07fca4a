use durable::prelude::*;

#[durable::workflow]
async fn order(ctx: &Ctx, total: u32) -> (u32, u32) {
    let _ = ctx.now();
    (total, total)
}

fn main() {}
