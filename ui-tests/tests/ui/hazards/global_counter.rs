use durable::prelude::*;
use std::sync::atomic::{AtomicU32, Ordering};

static ORDERS: AtomicU32 = AtomicU32::new(0);

#[durable::workflow]
async fn order(ctx: &Ctx) -> durable::Result<u32> {
    let number = ORDERS.fetch_add(1, Ordering::Relaxed);
    Ok(ctx.step("charge", |_| async move { Ok::<u32, String>(number) }).await?)
}

fn main() {}
