use durable::prelude::*;

#[durable::workflow]
async fn order(ctx: &Ctx, total: u32) -> durable::Result<u32> {
    durable::join_all((0..total).map(|part| ctx.step("charge", move |_| charge(part))));
    Ok(total)
}

async fn charge(total: u32) -> Result<u32, String> {
    Ok(total)
}

fn main() {}
