use durable::prelude::*;

#[durable::workflow]
async fn order(ctx: &Ctx, total: u32) -> durable::Result<u32> {
    if total == 0 {
        return ctx.step("free", |_| charge(0));
    }
    Ok(total)
}

async fn charge(total: u32) -> Result<u32, String> {
    Ok(total)
}

fn main() {}
