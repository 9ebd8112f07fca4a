async fn nothing(_ctx: &Ctx) -> durable::Result<()> {
    Ok(())
}
///The operations of [`nothing`](fn@nothing).
#[allow(dead_code, non_camel_case_types, private_interfaces, unused_parens)]
#[allow(missing_copy_implementations, missing_debug_implementations)]
enum nothing {}
impl ::durable::__private::StepKey for nothing {
    fn name(&self) -> &'static str {
        match *self {}
    }
}
impl ::durable::__private::Workflow for nothing {
    type Input = ();
    type Output = <durable::Result<()> as ::durable::__private::Fallible>::Ok;
    const __TEXT: &'static [&'static str] = &["1 2 7:nothing "];
    fn __run(
        ctx: &::durable::__private::Ctx,
        (): (),
    ) -> ::durable::__private::Running<'_, Self::Output> {
        ::durable::__private::body(nothing(ctx))
    }
}
::durable::__private::inventory::submit! {
    ::durable::__private::Registered(::durable::__private::define:: < nothing >,
    ::core::file!())
}
