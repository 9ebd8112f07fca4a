/// Takes a payment.
pub async fn order(ctx: &Ctx, input: Order) -> durable::Result<Payment> {
    Ok(ctx.step(order::Charge, |step| charge(&input, step.idempotency_key())).await?)
}
///The operations of [`order`](fn@order).
#[allow(dead_code, non_camel_case_types, private_interfaces, unused_parens)]
#[allow(missing_copy_implementations, missing_debug_implementations)]
pub enum order {
    ///The step `charge`.
    Charge,
}
impl ::durable::__private::StepKey for order {
    fn name(&self) -> &'static str {
        match *self {
            Self::Charge => "charge",
        }
    }
}
impl ::durable::__private::Workflow for order {
    type Input = Order;
    type Output = <durable::Result<Payment> as ::durable::__private::Fallible>::Ok;
    const __TEXT: &'static [&'static str] = &["1 3 5:order step 4 6:charge ; "];
    fn __run(
        ctx: &::durable::__private::Ctx,
        input: Order,
    ) -> ::durable::__private::Running<'_, Self::Output> {
        ::durable::__private::body(order(ctx, input))
    }
}
::durable::__private::inventory::submit! {
    ::durable::__private::Registered(::durable::__private::define:: < order >,
    ::core::file!())
}
