/// Gives a payment back, or looks whether there is one.
async fn refund(step: &StepCtx, payment: Outcome<Payment>) -> Result<(), PaymentError> {
    bank(step.step_key()).undo(payment).await
}
///The compensation [`refund`](fn@refund), as a step names it.
#[allow(
    missing_copy_implementations,
    missing_debug_implementations,
    non_camel_case_types
)]
struct refund {
    #[doc(hidden)]
    pub wired: ::durable::__private::Wired,
}
impl ::durable::__private::Compensation<
    <Outcome<Payment> as ::durable::__private::Told>::Output,
> for refund
where
    Outcome<Payment>: ::durable::__private::Told,
{
    const NAME: &'static str = "refund";
    type __Told = Outcome<Payment>;
    fn __retry() -> ::durable::__private::Retry {
        Retry::linear().max_attempts(20)
    }
    fn __timeout() -> ::core::time::Duration {
        MINUTE
    }
    fn __run(
        step: &::durable::__private::StepCtx,
        output: Outcome<Payment>,
    ) -> impl ::core::future::Future<
        Output = ::durable::__private::Undoing,
    > + ::core::marker::Send {
        ::durable::__private::undo(refund(step, output))
    }
}
