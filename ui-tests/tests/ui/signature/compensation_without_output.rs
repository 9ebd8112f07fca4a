use durable::prelude::*;

#[durable::compensate]
async fn refund(step: &StepCtx) -> durable::Result<()> {
    let _ = step.attempt();
    Ok(())
}

fn main() {}
