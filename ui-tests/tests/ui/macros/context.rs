use durable::prelude::*;

#[durable::workflow]
async fn order(ctx: &Ctx, total: u32) -> durable::Result<u32> {
    let paid = twice!(ctx.run_id().as_str().len() as u32);
    let more = ctx.step("charge", |_| charge(total)).await?;
    Ok(paid + more)
}

async fn charge(total: u32) -> Result<u32, String> {
    Ok(total)
}

#[macro_export]
macro_rules! twice {
    ($value:expr) => {
        $value * 2
    };
}

fn main() {}
