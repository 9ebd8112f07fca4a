use durable::prelude::*;

struct Shop;

impl Shop {
    #[durable::workflow]
    async fn order(&self, ctx: &Ctx, total: u32) -> durable::Result<u32> {
        let _ = ctx.now();
        Ok(total)
    }
}

fn main() {}
