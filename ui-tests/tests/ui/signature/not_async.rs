use durable::prelude::*;

#[durable::workflow]
fn order(ctx: &Ctx) -> durable::Result<()> {
    Ok(())
}

fn main() {}
