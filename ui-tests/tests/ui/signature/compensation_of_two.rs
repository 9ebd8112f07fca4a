use durable::prelude::*;

#[durable::compensate]
async fn refund(step: &StepCtx, payment: u32, card: String) -> durable::Result<()> {
    let _ = (step.attempt(), payment, card);
    Ok(())
}

fn main() {}
