use durable::prelude::*;

#[durable::workflow]
async fn order(ctx: &Ctx, total: u32) -> durable::Result<u32> {
    let steps: Vec<_> = (0..total).map(|part| ctx.step("charge", move |_| charge(part))).collect();
    let mut paid = 0;
    for step in steps {
        paid += step.await?;
    }
    Ok(paid)
}

async fn charge(total: u32) -> Result<u32, String> {
    Ok(total)
}

fn main() {}
