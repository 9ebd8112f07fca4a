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
#[allow(missing_copy_implementations, missing_debug_implementations)]
enum order {
    ///The step `charge`.
    Charge,
    ///The operations of [`bill`] as `billing`.
    Billing((bill)),
}
impl crate::engine::__private::StepKey for order {
    fn name(&self) -> &'static str {
        match *self {
            Self::Charge => "charge",
            Self::Billing(..) => "billing",
        }
    }
    fn path(&self) -> ::std::string::String {
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
    const __TEXT: &'static [&'static str] = &[
        "1 2 5:order step 3 6:charge undone 6:refund ; scope 4 7:billing ",
    ];
    const __WIRING: crate::engine::__private::Wiring = crate::engine::__private::Wiring {
        compensators: &[
            crate::engine::__private::Compensator::of(
                "charge",
                refunds::refund {
                    wired: crate::engine::__private::Wired,
                },
            ),
        ],
        states: &[],
        signals: &[],
        scopes: &[("billing", &<bill as crate::engine::__private::Fragment>::__PART)],
    };
    fn __run(
        ctx: &crate::engine::__private::Ctx,
        (): (),
    ) -> crate::engine::__private::Running<'_, Self::Output> {
        crate::engine::__private::body(order(ctx))
    }
}
crate::engine::__private::inventory::submit! {
    crate ::engine::__private::Registered(crate ::engine::__private::define:: < order >,
    ::core::file!())
}
