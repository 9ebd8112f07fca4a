use durable::prelude::*;

#[durable::workflow]
async fn order(ctx: &Ctx, total: u32) -> durable::Result<u32> {
    let payment = ctx.step("charge", |_| charge(total));
    let payment = Payment(payment.await?);
    Ok(payment.confirm().await)
}

async fn charge(total: u32) -> Result<u32, String> {
    Ok(total)
}

struct Payment(u32);

impl Payment {
    async fn confirm(&self) -> u32 {
        self.0
    }
}

fn main() {}
