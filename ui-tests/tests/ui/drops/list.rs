use durable::prelude::*;
use std::time::Duration;

#[durable::workflow]
async fn order(ctx: &Ctx) -> durable::Result<()> {
    let waits = vec![ctx.sleep("one", Duration::from_secs(1)), ctx.sleep("two", Duration::from_secs(2))];
    drop(waits);
    Ok(())
}

fn main() {}
