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
#[derive(::core::clone::Clone, ::core::marker::Copy, ::core::fmt::Debug)]
enum order {
    ///The step `charge`.
    Charge,
    ///The signal `approval`.
    Approval,
    ///The child `parcel`.
    Parcel,
}
impl ::durable::__private::StepKey for order {
    fn name(self) -> &'static str {
        match self {
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
    const NAME: &'static str = "order";
    const GRAPH: ::durable::__private::Graph = ::durable::__private::Graph {
        workflow: "order",
        was: &[],
        body: &[
            ::durable::__private::Node::Operation(::durable::__private::Operation {
                name: "charge",
                kind: ::durable::__private::OperationKind::Step,
                line: 5,
                options: &[
                    ("retry", "Retry::exponential().max_attempts(5)"),
                    ("timeout", "Duration::from_secs(30)"),
                ],
                compensation: ::core::option::Option::Some("refund"),
                was: &[],
            }),
            ::durable::__private::Node::Operation(::durable::__private::Operation {
                name: "approval",
                kind: ::durable::__private::OperationKind::Signal {
                    payload: "Approval",
                },
                line: 10,
                options: &[("timeout", "DAY")],
                compensation: ::core::option::Option::None,
                was: &[],
            }),
            ::durable::__private::Node::Operation(::durable::__private::Operation {
                name: "parcel",
                kind: ::durable::__private::OperationKind::Child {
                    workflow: "ship",
                },
                line: 11,
                options: &[],
                compensation: ::core::option::Option::Some("recall"),
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
    ::durable::__private::Definition::of:: < order > (::core::file!(), 2,
    ::durable::__private::Wiring { compensators : &
    [::durable::__private::Compensator::of("charge", refund { wired :
    ::durable::__private::Wired }), ::durable::__private::Compensator::of("parcel",
    recall { wired : ::durable::__private::Wired })], states : &
    [::durable::__private::RequiredState::of:: < Pool > (),
    ::durable::__private::RequiredState::of:: < Bank > ()], scopes : & [], })
}
