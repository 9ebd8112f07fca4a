#![deny(unused_must_use)]
#![allow(path_statements)]
use durable::prelude::*;

#[durable::workflow]
async fn order(ctx: &Ctx, pauses: Vec<std::time::Duration>) -> durable::Result<()> {
    let mut waits = Vec::new();
    for pause in pauses {
        waits.push(ctx.sleep("pause", pause));
    }
    for wait in waits {
        wait;
    }
    Ok(())
}

fn main() {}
