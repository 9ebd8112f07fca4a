use durable::{Step, prelude::*};

fn undone(step: Step<'_, u32>) -> Step<'_, u32> {
    step.compensate(refund {})
}

#[durable::compensate]
async fn refund(step: &StepCtx, payment: u32) -> durable::Result<()> {
    let _ = (step, payment);
    Ok(())
}

fn main() {
    let _ = undone;
}
