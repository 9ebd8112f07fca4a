use durable::prelude::*;

#[durable::workflow]
async fn order(_ctx: &Ctx, total: u32) -> Option<u32> {
    Some(total)
}

fn main() {}
