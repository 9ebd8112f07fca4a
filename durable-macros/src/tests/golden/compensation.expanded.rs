/// Gives a payment back.
pub(crate) async fn refund(
    step: &StepCtx,
    payment: Payment,
) -> Result<(), PaymentError> {
    bank(step.idempotency_key()).refund(payment).await
}
///The compensation [`refund`](fn@refund), as a step names it.
#[allow(
    missing_copy_implementations,
    missing_debug_implementations,
    non_camel_case_types
)]
pub(crate) struct refund {
    #[doc(hidden)]
    pub wired: ::durable::__private::Wired,
}
impl ::durable::__private::Compensation<<Payment as ::durable::__private::Told>::Output>
for refund
where
    Payment: ::durable::__private::Told,
{
    const NAME: &'static str = "refund";
    type __Told = Payment;
    fn __run(
        step: &::durable::__private::StepCtx,
        output: Payment,
    ) -> impl ::core::future::Future<
        Output = ::durable::__private::Undoing,
    > + ::core::marker::Send {
        ::durable::__private::undo(refund(step, output))
    }
}
