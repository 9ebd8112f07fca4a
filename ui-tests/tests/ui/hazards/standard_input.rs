use durable::prelude::*;

#[durable::workflow]
async fn order(ctx: &Ctx, total: u32) -> durable::Result<u32> {
    let mut line = String::new();
    std::io::stdin().read_line(&mut line)?;
    let paid = ctx.step("charge", |_| charge(total)).await?;
    Ok(paid + line.len() as u32)
}

async fn charge(total: u32) -> Result<u32, String> {
    Ok(total)
}

fn main() {}
