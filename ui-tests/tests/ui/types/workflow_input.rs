use durable::prelude::*;

#[derive(serde::Serialize)]
struct Order {
    total: u32,
}

#[durable::workflow]
async fn order(_ctx: &Ctx, input: Order) -> durable::Result<u32> {
    Ok(input.total)
}

fn main() {}
