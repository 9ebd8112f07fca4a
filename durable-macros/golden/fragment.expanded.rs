/// Takes a payment.
pub async fn bill(ctx: Ctx, card: &str, amount: u32) -> durable::Result<Payment> {
    let approved = ctx.signal::<bool>(bill::Approval).await?;
    let checked = verify(ctx.scope(bill::verification), card).await?;
    Ok(
        ctx
            .step(bill::Charge, |_| charge(card, amount, approved, checked))
            .compensate(refund {
                wired: ::durable::__private::Wired,
            })
            .await?,
    )
}
///The operations of [`bill`](fn@bill).
#[allow(dead_code, non_camel_case_types, private_interfaces, unused_parens)]
#[derive(::core::clone::Clone, ::core::marker::Copy, ::core::fmt::Debug)]
pub enum bill {
    ///The signal `approval`.
    Approval,
    ///The operations of [`verify`] as `verification`.
    Verification((verify)),
    ///The step `charge`.
    Charge,
}
impl ::durable::__private::StepKey for bill {
    fn name(self) -> &'static str {
        match self {
            Self::Approval => "approval",
            Self::Verification(..) => "verification",
            Self::Charge => "charge",
        }
    }
    fn path(self) -> ::std::string::String {
        match self {
            Self::Verification(step) => {
                ::durable::__private::scoped("verification", step)
            }
            other => {
                ::std::borrow::ToOwned::to_owned(
                    ::durable::__private::StepKey::name(other),
                )
            }
        }
    }
}
#[allow(dead_code, non_upper_case_globals, private_interfaces, unused_parens)]
impl bill {
    ///The signal `approval`: carries a `bool`.
    pub const approval: ::durable::__private::Signal<Self, bool> = ::durable::__private::Signal::new(
        "approval",
    );
    ///The fragment `verification`: a call of [`verify`].
    pub const verification: ::durable::__private::Scope<Self, (verify)> = ::durable::__private::Scope::new(
        "verification",
    );
}
impl ::durable::__private::Fragment for bill {
    const NAME: &'static str = "bill";
    const FILE: &'static str = ::core::file!();
    const BODY: &'static [::durable::__private::Node] = &[
        ::durable::__private::Node::Operation(::durable::__private::Operation {
            name: "approval",
            kind: ::durable::__private::OperationKind::Signal {
                payload: "bool",
            },
            line: 4,
            options: &[],
            compensation: ::core::option::Option::None,
            was: &[],
        }),
        ::durable::__private::Node::Scope {
            name: "verification",
            line: 5,
            fragment: <verify as ::durable::__private::Fragment>::NAME,
            file: <verify as ::durable::__private::Fragment>::FILE,
            body: <verify as ::durable::__private::Fragment>::BODY,
        },
        ::durable::__private::Node::Operation(::durable::__private::Operation {
            name: "charge",
            kind: ::durable::__private::OperationKind::Step,
            line: 6,
            options: &[],
            compensation: ::core::option::Option::Some("refund"),
            was: &[],
        }),
    ];
    const WIRING: ::durable::__private::Wiring = ::durable::__private::Wiring {
        compensators: &[
            ::durable::__private::Compensator::of(
                "charge",
                refund {
                    wired: ::durable::__private::Wired,
                },
            ),
        ],
        states: &[],
        scopes: &[("verification", &<verify as ::durable::__private::Fragment>::WIRING)],
    };
}
