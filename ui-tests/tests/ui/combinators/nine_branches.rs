//! `join!` of nine.
use durable::prelude::*;

#[durable::workflow]
async fn order(ctx: &Ctx) -> durable::Result<()> {
    let _ = durable::join!(
        ctx.signal::<u8>("a"),
        ctx.signal::<u8>("b"),
        ctx.signal::<u8>("c"),
        ctx.signal::<u8>("d"),
        ctx.signal::<u8>("e"),
        ctx.signal::<u8>("f"),
        ctx.signal::<u8>("g"),
        ctx.signal::<u8>("h"),
        ctx.signal::<u8>("i"),
    );
    Ok(())
}

fn main() {}
