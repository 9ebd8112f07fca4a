use durable::prelude::*;

#[durable::workflow]
async fn order(ctx: &Ctx, total: u32) -> durable::Result<u32> {
    let gateway = Gateway;
    Ok(gateway.charge(ctx, total))
}

struct Gateway;

impl Gateway {
    fn charge(&self, _ctx: &Ctx, total: u32) -> u32 {
        total
    }
}

fn main() {}
