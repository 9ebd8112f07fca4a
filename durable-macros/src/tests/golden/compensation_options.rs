/// Gives a payment back, or looks whether there is one.
#[durable::compensate(retry = Retry::linear().max_attempts(20), timeout = MINUTE)]
async fn refund(step: &StepCtx, payment: Outcome<Payment>) -> Result<(), PaymentError> {
    bank(step.step_key()).undo(payment).await
}
