use durable::prelude::*;

#[durable::workflow]
async fn order(ctx: &Ctx, total: u32) -> durable::Result<u32> {
    loop {
        let fee = |part: u32| {
            return part + 1;
        };
        ctx.step("charge", |_| charge(fee(total))).await?;
    }
}

async fn charge(total: u32) -> Result<u32, String> {
    Ok(total)
}

fn main() {}
