#[allow(unexpected_cfgs)]
async fn order(ctx: &Ctx, id: u32) -> durable::Result<()> {
    #[cfg(not(rust_analyzer))]
    let ctx = {
        ::core::compile_error! {
            "the step name \"Charge\" is not in snake_case\n  why: names become variants of the step enum and parts of recorded keys, where `/` and `#` have a meaning\n  instead: \"charge\": lower case letters, digits and `_`, at most 64"
        }
        ::core::compile_error! {
            "the name of a step must be a string literal\n  why: the compiler checks the names and builds the step graph from them, and a computed name could differ on a replay\n  instead: write a literal, `ctx.step(\"a_name\", ..)`; in a loop one name is enough: the rounds are told apart as `a_name`, `a_name#1`, .."
        }
    };
    {
        ctx.step("Charge", |_| charge()).await?;
        ctx.step(format!("charge_{id}"), |_| charge()).await?;
        Ok(())
    }
}
///The operations of [`order`](fn@order).
#[allow(dead_code, non_camel_case_types, private_interfaces, unused_parens)]
#[allow(missing_copy_implementations, missing_debug_implementations)]
enum order {}
impl ::durable::__private::StepKey for order {
    fn name(&self) -> &'static str {
        match *self {}
    }
}
impl ::durable::__private::Workflow for order {
    type Input = u32;
    type Output = <durable::Result<()> as ::durable::__private::Fallible>::Ok;
    const __TEXT: &'static [&'static str] = &["1 2 5:order step 3 6:Charge ; "];
    fn __run(
        ctx: &::durable::__private::Ctx,
        input: u32,
    ) -> ::durable::__private::Running<'_, Self::Output> {
        ::durable::__private::body(order(ctx, input))
    }
}
::durable::__private::inventory::submit! {
    ::durable::__private::Registered(::durable::__private::define:: < order >,
    ::core::file!())
}
