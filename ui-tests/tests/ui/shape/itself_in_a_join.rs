use durable::prelude::*;

#[durable::workflow]
async fn order(ctx: &Ctx, total: u32) -> durable::Result<u32> {
    let (paid, next) = durable::join!(
        ctx.step("charge", |_| charge(total)),
        ctx.child::<order>("next", total),
    );
    Ok(paid? + next?)
}

async fn charge(total: u32) -> Result<u32, String> {
    Ok(total)
}

fn main() {}
