use durable::prelude::*;

struct Shop;

impl Shop {
    #[durable::workflow]
    async fn order(&self, ctx: &Ctx) -> durable::Result<u32> {
        Ok(ctx.signal::<u32>("paid").await?)
    }
}

fn main() {}
