use durable::prelude::*;

#[durable::compensate]
async fn refund(_step: &StepCtx, paid: u32) -> durable::Result<u32> {
    Ok(paid)
}

fn main() {}
