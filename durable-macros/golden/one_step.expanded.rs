/// Takes a payment.
pub async fn order(ctx: &Ctx, input: Order) -> durable::Result<Payment> {
    Ok(ctx.step(order::Charge, |step| charge(&input, step.idempotency_key())).await?)
}
///The operations of [`order`](fn@order).
#[allow(dead_code, non_camel_case_types, private_interfaces, unused_parens)]
#[derive(::core::clone::Clone, ::core::marker::Copy, ::core::fmt::Debug)]
pub enum order {
    ///The step `charge`.
    Charge,
}
impl ::durable::__private::StepKey for order {
    fn name(self) -> &'static str {
        match self {
            Self::Charge => "charge",
        }
    }
}
impl ::durable::__private::Workflow for order {
    type Input = Order;
    type Output = <durable::Result<Payment> as ::durable::__private::Fallible>::Ok;
    const NAME: &'static str = "order";
    const GRAPH: ::durable::__private::Graph = ::durable::__private::Graph {
        workflow: "order",
        was: &[],
        body: &[
            ::durable::__private::Node::Operation(::durable::__private::Operation {
                name: "charge",
                kind: ::durable::__private::OperationKind::Step,
                line: 4,
                options: &[],
                compensation: ::core::option::Option::None,
                was: &[],
            }),
        ],
    };
    fn __run(
        ctx: &::durable::__private::Ctx,
        input: Order,
    ) -> ::durable::__private::Running<'_, Self::Output> {
        ::durable::__private::body(order(ctx, input))
    }
}
::durable::__private::inventory::submit! {
    ::durable::__private::Definition::of:: < order > (::core::file!(), 3,
    ::durable::__private::Wiring::NONE)
}
