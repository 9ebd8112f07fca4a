use durable::prelude::*;

#[durable::workflow]
async fn order(ctx: &Ctx, total: u32) -> durable::Result<u32> {
    let thread = std::thread::spawn(move || total + 1);
    let paid = ctx.step("charge", |_| charge(total)).await?;
    Ok(paid + thread.join().unwrap_or(0))
}

async fn charge(total: u32) -> Result<u32, String> {
    Ok(total)
}

fn main() {}
