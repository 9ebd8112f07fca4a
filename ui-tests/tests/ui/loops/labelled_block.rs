use durable::prelude::*;

#[durable::workflow]
async fn order(ctx: &Ctx, total: u32) -> durable::Result<u32> {
    loop {
        'round: {
            if ctx.step("charge", |_| charge(total)).await? == 0 {
                break 'round;
            }
        }
    }
}

async fn charge(total: u32) -> Result<u32, String> {
    Ok(total)
}

fn main() {}
