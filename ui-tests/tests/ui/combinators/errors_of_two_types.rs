//! `try_join!` of branches that fail with different types.
use std::time::Duration;

use durable::prelude::*;

#[durable::workflow]
async fn order(ctx: &Ctx) -> durable::Result<()> {
    durable::try_join!(
        ctx.sleep("pause", Duration::from_secs(1)),
        async { ctx.signal::<u8>("go").await.map_err(|failure| failure.to_string()) },
    )?;
    Ok(())
}

fn main() {}
