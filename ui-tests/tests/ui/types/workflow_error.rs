use durable::prelude::*;

#[derive(Debug)]
struct Declined;

#[durable::workflow]
async fn order(_ctx: &Ctx, total: u32) -> Result<u32, Declined> {
    if total > 100 { Err(Declined) } else { Ok(total) }
}

fn main() {}
