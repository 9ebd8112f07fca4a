async fn order(ctx: &Ctx) -> crate::engine::Result<()> {
    ctx.step(order::Charge, |_| charge())
        .compensate(refunds::refund {
            wired: crate::engine::__private::Wired,
        })
        .await?;
    bill(ctx.scope(order::billing)).await
}
///The operations of [`order`](fn@order).
#[allow(dead_code, non_camel_case_types, private_interfaces, unused_parens)]
#[derive(::core::clone::Clone, ::core::marker::Copy, ::core::fmt::Debug)]
enum order {
    ///The step `charge`.
    Charge,
    ///The operations of [`bill`] as `billing`.
    Billing((bill)),
}
impl crate::engine::__private::StepKey for order {
    fn name(self) -> &'static str {
        match self {
            Self::Charge => "charge",
            Self::Billing(..) => "billing",
        }
    }
    fn path(self) -> ::std::string::String {
        match self {
            Self::Billing(step) => crate::engine::__private::scoped("billing", step),
            other => {
                ::std::borrow::ToOwned::to_owned(
                    crate::engine::__private::StepKey::name(other),
                )
            }
        }
    }
}
#[allow(dead_code, non_upper_case_globals, private_interfaces, unused_parens)]
impl order {
    ///The fragment `billing`: a call of [`bill`].
    const billing: crate::engine::__private::Scope<Self, (bill)> = crate::engine::__private::Scope::new(
        "billing",
    );
}
impl crate::engine::__private::Workflow for order {
    type Input = ();
    type Output = <crate::engine::Result<()> as crate::engine::__private::Fallible>::Ok;
    const NAME: &'static str = "order";
    const GRAPH: crate::engine::__private::Graph = crate::engine::__private::Graph {
        workflow: "order",
        was: &[],
        body: &[
            crate::engine::__private::Node::Operation(crate::engine::__private::Operation {
                name: "charge",
                kind: crate::engine::__private::OperationKind::Step,
                line: 3,
                options: &[],
                compensation: ::core::option::Option::Some("refund"),
                was: &[],
            }),
            crate::engine::__private::Node::Scope {
                name: "billing",
                line: 4,
                fragment: <bill as crate::engine::__private::Fragment>::NAME,
                file: <bill as crate::engine::__private::Fragment>::FILE,
                body: <bill as crate::engine::__private::Fragment>::BODY,
            },
        ],
    };
    fn __run(
        ctx: &crate::engine::__private::Ctx,
        (): (),
    ) -> crate::engine::__private::Running<'_, Self::Output> {
        crate::engine::__private::body(order(ctx))
    }
}
crate::engine::__private::inventory::submit! {
    crate ::engine::__private::Definition::of:: < order > (::core::file!(), 2, crate
    ::engine::__private::Wiring { compensators : & [crate
    ::engine::__private::Compensator::of("charge", refunds::refund { wired : crate
    ::engine::__private::Wired })], states : & [], scopes : & [("billing", & < bill as
    crate ::engine::__private::Fragment > ::WIRING)], })
}
