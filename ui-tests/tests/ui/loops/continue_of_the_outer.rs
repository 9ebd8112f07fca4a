use durable::prelude::*;

#[durable::workflow]
async fn order(ctx: &Ctx, total: u32) -> durable::Result<u32> {
    'months: loop {
        loop {
            if ctx.step("charge", |_| charge(total)).await? == 0 {
                continue 'months;
            }
        }
    }
}

async fn charge(total: u32) -> Result<u32, String> {
    Ok(total)
}

fn main() {}
