use durable::prelude::*;

use std::net::ToSocketAddrs;

#[durable::workflow]
async fn order(ctx: &Ctx, bank: String) -> durable::Result<bool> {
    let known = bank.to_socket_addrs()?.next().is_some();
    Ok(known && ctx.signal::<bool>("paid").await?)
}

fn main() {}
