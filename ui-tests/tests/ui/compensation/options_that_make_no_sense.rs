use durable::prelude::*;
use std::time::Duration;

#[durable::compensate(retry = Retry::linear().max_attempts(0), timeout = Duration::ZERO)]
async fn refund(_step: &StepCtx, _paid: u32) -> durable::Result<()> {
    Ok(())
}

#[durable::compensate(attempts = 3)]
async fn recall(_step: &StepCtx, _paid: u32) -> durable::Result<()> {
    Ok(())
}

fn main() {}
