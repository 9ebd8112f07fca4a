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
#[derive(::core::clone::Clone, ::core::marker::Copy, ::core::fmt::Debug)]
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
    fn name(self) -> &'static str {
        match self {
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
    fn path(self) -> ::std::string::String {
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
    const NAME: &'static str = "order";
    const GRAPH: ::durable::__private::Graph = ::durable::__private::Graph {
        workflow: "order",
        was: &[],
        body: &[
            ::durable::__private::Node::Branch {
                condition: "input.total > 100",
                line: 3,
                arms: &[
                    ::durable::__private::Arm {
                        label: "then",
                        body: &[
                            ::durable::__private::Node::Operation(::durable::__private::Operation {
                                name: "cooling_off",
                                kind: ::durable::__private::OperationKind::Sleep,
                                line: 4,
                                options: &[],
                                compensation: ::core::option::Option::None,
                                was: &[],
                            }),
                        ],
                    },
                    ::durable::__private::Arm {
                        label: "else",
                        body: &[
                            ::durable::__private::Node::Operation(::durable::__private::Operation {
                                name: "greet",
                                kind: ::durable::__private::OperationKind::Step,
                                line: 6,
                                options: &[],
                                compensation: ::core::option::Option::None,
                                was: &[],
                            }),
                        ],
                    },
                ],
            },
            ::durable::__private::Node::Loop {
                header: "for line in &input.lines",
                line: 8,
                body: &[
                    ::durable::__private::Node::Branch {
                        condition: "line.kind",
                        line: 9,
                        arms: &[
                            ::durable::__private::Arm {
                                label: "Kind::Book",
                                body: &[
                                    ::durable::__private::Node::Operation(::durable::__private::Operation {
                                        name: "pack",
                                        kind: ::durable::__private::OperationKind::Step,
                                        line: 10,
                                        options: &[],
                                        compensation: ::core::option::Option::None,
                                        was: &[],
                                    }),
                                ],
                            },
                            ::durable::__private::Arm {
                                label: "Kind::Gift | Kind::Card",
                                body: &[
                                    ::durable::__private::Node::Scope {
                                        name: "wrapping",
                                        line: 11,
                                        fragment: <wrap as ::durable::__private::Fragment>::NAME,
                                        file: <wrap as ::durable::__private::Fragment>::FILE,
                                        body: <wrap as ::durable::__private::Fragment>::BODY,
                                    },
                                ],
                            },
                        ],
                    },
                ],
            },
            ::durable::__private::Node::Parallel {
                kind: ::durable::__private::ParallelKind::Join,
                line: 14,
                branches: &[
                    &[
                        ::durable::__private::Node::Operation(::durable::__private::Operation {
                            name: "invoice",
                            kind: ::durable::__private::OperationKind::Step,
                            line: 15,
                            options: &[],
                            compensation: ::core::option::Option::None,
                            was: &[],
                        }),
                    ],
                    &[
                        ::durable::__private::Node::Operation(::durable::__private::Operation {
                            name: "label",
                            kind: ::durable::__private::OperationKind::Step,
                            line: 16,
                            options: &[],
                            compensation: ::core::option::Option::None,
                            was: &[],
                        }),
                    ],
                ],
            },
            ::durable::__private::Node::Parallel {
                kind: ::durable::__private::ParallelKind::Race,
                line: 18,
                branches: &[
                    &[
                        ::durable::__private::Node::Operation(::durable::__private::Operation {
                            name: "answer",
                            kind: ::durable::__private::OperationKind::Signal {
                                payload: "bool",
                            },
                            line: 19,
                            options: &[],
                            compensation: ::core::option::Option::None,
                            was: &[],
                        }),
                    ],
                    &[
                        ::durable::__private::Node::Operation(::durable::__private::Operation {
                            name: "deadline",
                            kind: ::durable::__private::OperationKind::Sleep,
                            line: 20,
                            options: &[],
                            compensation: ::core::option::Option::None,
                            was: &[],
                        }),
                    ],
                ],
            },
            ::durable::__private::Node::Parallel {
                kind: ::durable::__private::ParallelKind::JoinAll,
                line: 22,
                branches: &[
                    &[
                        ::durable::__private::Node::Operation(::durable::__private::Operation {
                            name: "post",
                            kind: ::durable::__private::OperationKind::Step,
                            line: 22,
                            options: &[],
                            compensation: ::core::option::Option::None,
                            was: &[],
                        }),
                    ],
                ],
            },
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
    ::durable::__private::Wiring { compensators : & [], states : & [], scopes : &
    [("wrapping", & < wrap as ::durable::__private::Fragment > ::WIRING)], })
}
