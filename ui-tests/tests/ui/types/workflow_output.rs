use durable::prelude::*;

struct Receipt;

#[durable::workflow]
async fn order(_ctx: &Ctx, _total: u32) -> durable::Result<Receipt> {
    Ok(Receipt)
}

fn main() {}
