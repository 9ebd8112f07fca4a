use durable::prelude::*;

#[durable::workflow]
async fn order(ctx: &Ctx, total: u32) -> durable::Result<u32> {
    loop {
        let part: Result<u32, Failure> = async {
            let paid = ctx.step("charge", |_| charge(total)).await?;
            return Ok(paid);
        }
        .await;
        part?;
    }
}

async fn charge(total: u32) -> Result<u32, String> {
    Ok(total)
}

fn main() {}
