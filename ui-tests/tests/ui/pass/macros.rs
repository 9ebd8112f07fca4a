//! Well-known macros are looked into, so operations may be awaited in them.
use std::{future::IntoFuture, time::Duration};

use durable::prelude::*;

#[durable::workflow]
async fn report(ctx: &Ctx, total: u32) -> durable::Result<String> {
    assert!(total > 0, "no total for {}", ctx.run_id());
    debug_assert_eq!(total, total, "{ctx:?}");
    let parts = vec![ctx.step("one", |_| book(1)).await?, total];
    let zeros = vec![0; parts.len()];
    println!("{:?} {zeros:?} {}", parts, ctx.step("two", |_| book(2)).await?);
    let large = matches!(ctx.step("three", |_| book(3)).await?, amount if amount > 100);
    let seen = dbg!(ctx.step("four", |_| book(4)).await?);
    if large {
        todo!("large amounts of {seen}");
    }
    let text = stringify!(ctx.step("never")).len() + concat!("a", 1).len() + env!("CARGO_PKG_NAME").len();
    eprintln!("{}", line!());
    let pauses = vec![ctx.sleep("first", Duration::from_secs(1)), ctx.sleep("second", Duration::from_secs(1))];
    for pause in pauses {
        pause.await?;
    }
    let pinned = std::pin::pin!(ctx.sleep("third", Duration::from_secs(1)).into_future());
    pinned.await?;
    match total {
        0 => unreachable!("checked {total}"),
        1 => unimplemented!(),
        _ => Ok(format!("{} {text} {:?}", total, ctx.now())),
    }
}

async fn book(amount: u32) -> Result<u32, String> {
    Ok(amount)
}

fn main() {
    assert_eq!(report::GRAPH.operations().len(), 7);
}
