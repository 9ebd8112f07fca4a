#[cfg(feature = "shipping")]
#[tracing::instrument]
pub(crate) async fn ship(ctx: &Ctx, parcel: Parcel) -> Result<(), ShippingError> {
    ctx.step(ship::HandOver, |_| hand_over(&parcel)).was("deliver").await?;
    Ok(())
}
#[cfg(feature = "shipping")]
///The operations of [`ship`](fn@ship).
#[allow(dead_code, non_camel_case_types, private_interfaces, unused_parens)]
#[derive(::core::clone::Clone, ::core::marker::Copy, ::core::fmt::Debug)]
pub(crate) enum ship {
    ///The step `hand_over`.
    HandOver,
}
#[cfg(feature = "shipping")]
impl ::durable::__private::StepKey for ship {
    fn name(self) -> &'static str {
        match self {
            Self::HandOver => "hand_over",
        }
    }
}
#[cfg(feature = "shipping")]
impl ::durable::__private::Workflow for ship {
    type Input = Parcel;
    type Output = <Result<(), ShippingError> as ::durable::__private::Fallible>::Ok;
    const NAME: &'static str = "shipping";
    const GRAPH: ::durable::__private::Graph = ::durable::__private::Graph {
        workflow: "shipping",
        was: &["ship", "deliver"],
        body: &[
            ::durable::__private::Node::Operation(::durable::__private::Operation {
                name: "hand_over",
                kind: ::durable::__private::OperationKind::Step,
                line: 5,
                options: &[],
                compensation: ::core::option::Option::None,
                was: &["deliver"],
            }),
        ],
    };
    fn __run(
        ctx: &::durable::__private::Ctx,
        input: Parcel,
    ) -> ::durable::__private::Running<'_, Self::Output> {
        ::durable::__private::body(ship(ctx, input))
    }
}
#[cfg(feature = "shipping")]
::durable::__private::inventory::submit! {
    ::durable::__private::Definition::of:: < ship > (::core::file!(), 4,
    ::durable::__private::Wiring::NONE)
}
