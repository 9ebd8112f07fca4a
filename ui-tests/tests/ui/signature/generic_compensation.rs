use durable::prelude::*;

#[durable::compensate]
async fn refund<T: Send>(step: &StepCtx, payment: T) -> durable::Result<()> {
    let _ = step.attempt();
    drop(payment);
    Ok(())
}

fn main() {}
