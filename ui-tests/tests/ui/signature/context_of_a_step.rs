use durable::prelude::*;

#[durable::workflow]
async fn order(step: &StepCtx, total: u32) -> durable::Result<u32> {
    Ok(total + step.attempt())
}

fn main() {}
