async fn nothing(_ctx: &Ctx) -> durable::Result<()> {
    Ok(())
}
///The operations of [`nothing`](fn@nothing).
#[allow(dead_code, non_camel_case_types, private_interfaces, unused_parens)]
#[derive(::core::clone::Clone, ::core::marker::Copy, ::core::fmt::Debug)]
enum nothing {}
impl ::durable::__private::StepKey for nothing {
    fn name(self) -> &'static str {
        match self {}
    }
}
impl ::durable::__private::Workflow for nothing {
    type Input = ();
    type Output = <durable::Result<()> as ::durable::__private::Fallible>::Ok;
    const NAME: &'static str = "nothing";
    const GRAPH: ::durable::__private::Graph = ::durable::__private::Graph {
        workflow: "nothing",
        was: &[],
        body: &[],
    };
    fn __run(
        ctx: &::durable::__private::Ctx,
        (): (),
    ) -> ::durable::__private::Running<'_, Self::Output> {
        ::durable::__private::body(nothing(ctx))
    }
}
::durable::__private::inventory::submit! {
    ::durable::__private::Definition::of:: < nothing > (::core::file!(), 2,
    ::durable::__private::Wiring::NONE)
}
