use durable::prelude::*;

#[durable::workflow]
async fn order(ctx: &Ctx, total: u32) -> durable::Result<u32> {
    loop {
        for part in 0..total {
            if ctx.step("charge", |_| charge(part)).await? == 0 {
                break;
            }
        }
    }
}

async fn charge(total: u32) -> Result<u32, String> {
    Ok(total)
}

fn main() {}
