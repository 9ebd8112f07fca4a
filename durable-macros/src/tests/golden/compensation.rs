/// Gives a payment back.
#[durable::compensate]
pub(crate) async fn refund(step: &StepCtx, payment: Payment) -> Result<(), PaymentError> {
    bank(step.idempotency_key()).refund(payment).await
}
