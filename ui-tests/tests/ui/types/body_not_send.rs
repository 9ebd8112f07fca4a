use durable::prelude::*;
use std::rc::Rc;

#[durable::workflow]
async fn order(ctx: &Ctx) -> durable::Result<u32> {
    let amount = Rc::new(7);
    ctx.sleep("cooling_off", std::time::Duration::from_secs(1)).await?;
    Ok(*amount)
}

fn main() {}
