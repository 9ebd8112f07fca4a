use durable::prelude::*;

#[durable::compensate(name = "undo")]
async fn refund(step: &StepCtx, payment: u32) -> durable::Result<()> {
    let _ = (step.attempt(), payment);
    Ok(())
}

fn main() {}
