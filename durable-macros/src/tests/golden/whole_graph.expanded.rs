async fn order(ctx: &Ctx, input: Order) -> durable::Result<u32> {
    if input.total > 100 {
        ctx.sleep(order::CoolingOff, HOUR).await?;
    } else {
        ctx.step(order::Greet, |_| greet()).await?;
    }
    for line in &input.lines {
        match line.kind {
            Kind::Book => ctx.step(order::Pack, |_| pack(line)).await?,
            Kind::Gift | Kind::Card => wrap(ctx.scope(order::wrapping), line).await?,
        };
    }
    let (invoice, label) = durable::join!(
        ctx.step(order::Invoice, | _ | invoice(& input)), ctx.step(order::Label, | _ |
        label(& input)),
    );
    durable::race! {
        answer = ctx.signal:: < bool > (order::Answer) => answer ?, _ = ctx
        .sleep_until(order::Deadline, input.deadline) => false,
    };
    let all = durable::join_all(
            input.lines.iter().map(|line| ctx.step(order::Post, |_| post(line))),
        )
        .await;
    Ok(all.len() as u32 + invoice? + label?)
}
///The operations of [`order`](fn@order).
#[allow(dead_code, non_camel_case_types, private_interfaces, unused_parens)]
#[allow(missing_copy_implementations, missing_debug_implementations)]
enum order {
    ///The sleep `cooling_off`.
    CoolingOff,
    ///The step `greet`.
    Greet,
    ///The step `pack`.
    Pack,
    ///The operations of [`wrap`] as `wrapping`.
    Wrapping((wrap)),
    ///The step `invoice`.
    Invoice,
    ///The step `label`.
    Label,
    ///The signal `answer`.
    Answer,
    ///The sleep `deadline`.
    Deadline,
    ///The step `post`.
    Post,
}
impl ::durable::__private::StepKey for order {
    fn name(&self) -> &'static str {
        match *self {
            Self::CoolingOff => "cooling_off",
            Self::Greet => "greet",
            Self::Pack => "pack",
            Self::Wrapping(..) => "wrapping",
            Self::Invoice => "invoice",
            Self::Label => "label",
            Self::Answer => "answer",
            Self::Deadline => "deadline",
            Self::Post => "post",
        }
    }
    fn path(&self) -> ::std::string::String {
        match self {
            Self::Wrapping(step) => ::durable::__private::scoped("wrapping", step),
            other => {
                ::std::borrow::ToOwned::to_owned(
                    ::durable::__private::StepKey::name(other),
                )
            }
        }
    }
}
#[allow(dead_code, non_upper_case_globals, private_interfaces, unused_parens)]
impl order {
    ///The fragment `wrapping`: a call of [`wrap`].
    const wrapping: ::durable::__private::Scope<Self, (wrap)> = ::durable::__private::Scope::new(
        "wrapping",
    );
    ///The signal `answer`: carries a `bool`.
    const answer: ::durable::__private::Signal<Self, bool> = ::durable::__private::Signal::new(
        "answer",
    );
}
impl ::durable::__private::Workflow for order {
    type Input = Order;
    type Output = <durable::Result<u32> as ::durable::__private::Fallible>::Ok;
    const __TEXT: &'static [&'static str] = &[
        "1 2 5:order branch 3 17:input.total > 100 { 4:then { sleep 4 11:cooling_off ; } 4:else { step 6 5:greet ; } } loop 8 24:for line in &input.lines { branch 9 9:line.kind { 10:Kind::Book { step 10 4:pack ; } 23:Kind::Gift | Kind::Card { scope 11 8:wrapping } } } join 14 { { step 15 7:invoice ; } { step 16 5:label ; } } race 18 { { signal 4:bool 19 6:answer ; } { sleep 20 8:deadline ; } } join_all 22 { { step 22 4:post ; } } ",
    ];
    const __WIRING: ::durable::__private::Wiring = ::durable::__private::Wiring {
        compensators: &[],
        states: &[],
        signals: {
            #[allow(unused_imports)]
            use ::durable::__private::Unreadable as _;
            &[
                ::durable::__private::Awaited {
                    name: "answer",
                    payload: ::durable::__private::Carried::<bool>::REREAD,
                },
            ]
        },
        scopes: &[("wrapping", &<wrap as ::durable::__private::Fragment>::__PART)],
    };
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
