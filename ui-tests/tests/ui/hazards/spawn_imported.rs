use durable::prelude::*;
use tokio::spawn;

#[durable::workflow]
async fn order(_ctx: &Ctx, total: u32) -> durable::Result<u32> {
    spawn(async move { println!("{total}") });
    Ok(total)
}

fn main() {}
