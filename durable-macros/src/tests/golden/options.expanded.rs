async fn order(ctx: &Ctx, input: Order) -> durable::Result<Receipt> {
    let pool = ctx.state::<Pool>();
    let payment = ctx
        .step(order::Charge, |step| charge(step.state::<Bank>(), pool, &input))
        .retry(Retry::exponential().max_attempts(5))
        .timeout(Duration::from_secs(30))
        .compensate(refund {
            wired: ::durable::__private::Wired,
        })
        .await?;
    let approval = ctx.signal::<Approval>(order::Approval).timeout(DAY).await?;
    let parcel = ctx
        .child::<ship>(order::Parcel, (payment, approval))
        .compensate(recall {
            wired: ::durable::__private::Wired,
        })
        .await?;
    Ok(Receipt { parcel })
}
///The operations of [`order`](fn@order).
#[allow(dead_code, non_camel_case_types, private_interfaces, unused_parens)]
#[allow(missing_copy_implementations, missing_debug_implementations)]
enum order {
    ///The step `charge`.
    Charge,
    ///The signal `approval`.
    Approval,
    ///The child `parcel`.
    Parcel,
}
impl ::durable::__private::StepKey for order {
    fn name(&self) -> &'static str {
        match *self {
            Self::Charge => "charge",
            Self::Approval => "approval",
            Self::Parcel => "parcel",
        }
    }
}
#[allow(dead_code, non_upper_case_globals, private_interfaces, unused_parens)]
impl order {
    ///The signal `approval`: carries a `Approval`.
    const approval: ::durable::__private::Signal<Self, Approval> = ::durable::__private::Signal::new(
        "approval",
    );
}
impl ::durable::__private::Workflow for order {
    type Input = Order;
    type Output = <durable::Result<Receipt> as ::durable::__private::Fallible>::Ok;
    const __TEXT: &'static [&'static str] = &[
        "1 2 5:order step 5 6:charge with 5:retry 36:Retry::exponential().max_attempts(5) with 7:timeout 23:Duration::from_secs(30) undone 6:refund ; signal 8:Approval 10 8:approval with 7:timeout 3:DAY ; child 4:ship 11 6:parcel undone 6:recall ; ",
    ];
    const __WIRING: ::durable::__private::Wiring = ::durable::__private::Wiring {
        compensators: &[
            ::durable::__private::Compensator::of(
                "charge",
                refund {
                    wired: ::durable::__private::Wired,
                },
            ),
            ::durable::__private::Compensator::of(
                "parcel",
                recall {
                    wired: ::durable::__private::Wired,
                },
            ),
        ],
        states: &[
            ::durable::__private::RequiredState::of::<Pool>(),
            ::durable::__private::RequiredState::of::<Bank>(),
        ],
        signals: {
            #[allow(unused_imports)]
            use ::durable::__private::Unreadable as _;
            &[
                ::durable::__private::Awaited {
                    name: "approval",
                    payload: ::durable::__private::Carried::<Approval>::REREAD,
                },
            ]
        },
        scopes: &[],
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
