#[cfg(feature = "shipping")]
#[tracing::instrument]
pub(crate) async fn ship(ctx: &Ctx, parcel: Parcel) -> Result<(), ShippingError> {
    ctx.step(ship::HandOver, |_| hand_over(&parcel)).was("deliver").await?;
    Ok(())
}
#[cfg(feature = "shipping")]
///The operations of [`ship`](fn@ship).
#[allow(dead_code, non_camel_case_types, private_interfaces, unused_parens)]
#[allow(missing_copy_implementations, missing_debug_implementations)]
pub(crate) enum ship {
    ///The step `hand_over`.
    HandOver,
}
#[cfg(feature = "shipping")]
impl ::durable::__private::StepKey for ship {
    fn name(&self) -> &'static str {
        match *self {
            Self::HandOver => "hand_over",
        }
    }
}
#[cfg(feature = "shipping")]
impl ::durable::__private::Workflow for ship {
    type Input = Parcel;
    type Output = <Result<(), ShippingError> as ::durable::__private::Fallible>::Ok;
    const __TEXT: &'static [&'static str] = &[
        "1 4 8:shipping step 5 9:hand_over was 7:deliver ; ",
    ];
    const __WAS: &'static [&'static str] = &["ship", "deliver"];
    fn __run(
        ctx: &::durable::__private::Ctx,
        input: Parcel,
    ) -> ::durable::__private::Running<'_, Self::Output> {
        ::durable::__private::body(ship(ctx, input))
    }
}
#[cfg(feature = "shipping")]
::durable::__private::inventory::submit! {
    ::durable::__private::Registered(::durable::__private::define:: < ship >,
    ::core::file!())
}
