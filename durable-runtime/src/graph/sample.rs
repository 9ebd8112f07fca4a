//! A graph with everything in it.

use super::{Arm, Body, Graph, Node, Operation, OperationKind, ParallelKind};

const fn operation(name: &'static str, kind: OperationKind) -> Operation {
    Operation {
        name,
        kind,
        line: 1,
        options: &[],
        compensation: None,
        was: &[],
    }
}

const fn step(name: &'static str) -> Node {
    Node::Operation(operation(name, OperationKind::Step))
}

pub(super) const CHARGE: Operation = Operation {
    options: &[
        ("retry", "Retry::exponential().max_attempts(5)"),
        ("timeout", "Duration::from_secs(30)"),
        ("at_most_once", ""),
    ],
    compensation: Some("refund"),
    was: &["debit", "pay"],
    ..operation("charge", OperationKind::Step)
};

const RESERVE: Operation = Operation {
    compensation: Some("release"),
    ..operation("reserve", OperationKind::Step)
};

pub(super) const EVERYTHING: Graph = Graph {
    workflow: "everything",
    was: &["all"],
    body: Body::of(&[
        Node::Operation(CHARGE),
        Node::Branch {
            condition: "order.note == \"a < b & \\\"c\\\"\"",
            line: 2,
            arms: &[
                Arm {
                    label: "then",
                    body: &[step("check"), step("approve")],
                },
                Arm {
                    label: "else",
                    body: &[],
                },
            ],
        },
        Node::Operation(operation("cooling_off", OperationKind::Sleep)),
        Node::Loop {
            header: "for item in &order.items",
            line: 3,
            body: &[Node::Operation(RESERVE)],
        },
        Node::Parallel {
            kind: ParallelKind::Race,
            line: 4,
            branches: &[
                &[Node::Operation(operation(
                    "approval",
                    OperationKind::Signal {
                        payload: "HashMap<String, Approval>",
                    },
                ))],
                &[Node::Operation(operation("patience", OperationKind::Sleep))],
            ],
        },
        Node::Parallel {
            kind: ParallelKind::TryJoin,
            line: 5,
            branches: &[
                &[
                    Node::Operation(operation(
                        "parcel",
                        OperationKind::Child { workflow: "ship" },
                    )),
                    step("track"),
                ],
                &[Node::Scope {
                    name: "billing",
                    line: 6,
                    fragment: "bill",
                    file: "src/bill.rs",
                    body: &[Node::Operation(Operation {
                        compensation: Some("void"),
                        ..operation("invoice", OperationKind::Step)
                    })],
                }],
            ],
        },
        Node::Parallel {
            kind: ParallelKind::JoinAll,
            line: 7,
            branches: &[&[step("notify")]],
        },
        Node::Branch {
            condition: "order.kind",
            line: 8,
            arms: &[
                Arm {
                    label: "Kind::Gift { .. }",
                    body: &[step("wrap")],
                },
                Arm {
                    label: "Kind::Bulk | Kind::Other",
                    body: &[step("stack")],
                },
                Arm {
                    label: "_",
                    body: &[],
                },
            ],
        },
    ]),
};
