use durable::prelude::*;

#[durable::workflow]
async fn order(_ctx: &Ctx, total: u32) -> durable::Result<u32> {
    let mut total = total;
    loop {
        total = total.wrapping_add(1);
    }
}

fn main() {}
