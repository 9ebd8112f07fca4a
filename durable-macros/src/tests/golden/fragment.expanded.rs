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
#[allow(missing_copy_implementations, missing_debug_implementations)]
pub enum bill {
    ///The signal `approval`.
    Approval,
    ///The operations of [`verify`] as `verification`.
    Verification((verify)),
    ///The step `charge`.
    Charge,
}
impl ::durable::__private::StepKey for bill {
    fn name(&self) -> &'static str {
        match *self {
            Self::Approval => "approval",
            Self::Verification(..) => "verification",
            Self::Charge => "charge",
        }
    }
    fn path(&self) -> ::std::string::String {
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
    const __PART: ::durable::__private::Part = ::durable::__private::Part {
        name: "bill",
        file: ::core::file!(),
        text: &[
            "1 3 4:bill signal 4:bool 4 8:approval ; scope 5 12:verification step 6 6:charge undone 6:refund ; ",
        ],
        wiring: ::durable::__private::Wiring {
            compensators: &[
                ::durable::__private::Compensator::of(
                    "charge",
                    refund {
                        wired: ::durable::__private::Wired,
                    },
                ),
            ],
            states: &[],
            signals: {
                #[allow(unused_imports)]
                use ::durable::__private::Unreadable as _;
                &[
                    ::durable::__private::Awaited {
                        name: "approval",
                        payload: ::durable::__private::Carried::<bool>::REREAD,
                    },
                ]
            },
            scopes: &[
                ("verification", &<verify as ::durable::__private::Fragment>::__PART),
            ],
        },
    };
}
