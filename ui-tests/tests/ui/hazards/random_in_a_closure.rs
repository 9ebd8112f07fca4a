use durable::prelude::*;

#[durable::workflow]
async fn order(ctx: &Ctx, total: u32) -> durable::Result<u32> {
    let jitter = || rand::random::<u32>();
    let paid = ctx.step("charge", |_| charge(total)).await?;
    Ok(paid + jitter())
}

async fn charge(total: u32) -> Result<u32, String> {
    Ok(total)
}

mod rand {
    pub fn random<T: Default>() -> T {
        T::default()
    }
}

fn main() {}
