use durable::prelude::*;
use std::cell::Cell;

struct Counter(Cell<u32>);

#[durable::workflow]
async fn order(ctx: &Ctx) -> durable::Result<u32> {
    Ok(ctx.state::<Counter>().0.get())
}

fn main() {}
