use durable::prelude::*;

#[durable::workflow]
async fn order(ctx: &Ctx, total: u32) -> durable::Result<u32> {
    let id = Uuid::new_v4();
    let paid = ctx.step("charge", |_| charge(total)).await?;
    Ok(paid + id.0)
}

async fn charge(total: u32) -> Result<u32, String> {
    Ok(total)
}

struct Uuid(u32);

impl Uuid {
    fn new_v4() -> Self {
        Self(4)
    }
}

fn main() {}
