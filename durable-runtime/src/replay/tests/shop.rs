//! The workflow that the tests run: a graph with everything in it, and what undoes its operations.

use std::time::Duration;

use crate::{
    graph::{Body, Graph, Node, Operation, OperationKind},
    journal::{Payload, PayloadError, StepId},
    outcome::Outcome,
    replay::{Blueprint, UndoRule},
    retry::Retry,
};

const fn operation(name: &'static str, kind: OperationKind) -> Operation {
    Operation {
        name,
        kind,
        line: 7,
        options: &[],
        compensation: None,
        was: &[],
    }
}

const fn node(name: &'static str, kind: OperationKind) -> Node {
    Node::Operation(operation(name, kind))
}

const fn undone(name: &'static str, kind: OperationKind, by: &'static str) -> Node {
    Node::Operation(Operation {
        compensation: Some(by),
        ..operation(name, kind)
    })
}

const SIGNAL: OperationKind = OperationKind::Signal { payload: "bool" };
const CHILD: OperationKind = OperationKind::Child { workflow: "parcel" };

static GRAPH: Graph = Graph {
    workflow: "shop",
    was: &[],
    body: Body::of(&[
        node("check", OperationKind::Step),
        node("other", OperationKind::Step),
        undone("charge", OperationKind::Step, "refund"),
        undone("reserve", OperationKind::Step, "release"),
        node("nap", OperationKind::Sleep),
        node("pause", OperationKind::Sleep),
        node("approval", SIGNAL),
        node("second_approval", SIGNAL),
        node("ship", CHILD),
        undone("pack", CHILD, "unpack"),
        Node::Operation(Operation {
            was: &["bill"],
            ..operation("invoice", OperationKind::Step)
        }),
        Node::Scope {
            name: "gift",
            line: 9,
            fragment: "wrap",
            file: "src/wrap.rs",
            body: &[node("ribbon", OperationKind::Step), node("card", SIGNAL)],
        },
    ]),
};

/// Two attempts, one second apart.
pub(super) fn twice() -> Retry {
    Retry::linear().jitter(0.0).max_attempts(2)
}

const fn rule(
    name: &'static str,
    check: fn(Outcome<&Payload>) -> Result<bool, PayloadError>,
) -> UndoRule {
    UndoRule {
        name,
        check,
        retry: twice,
        timeout: || Duration::from_secs(10),
    }
}

fn takes_output(outcome: Outcome<&Payload>) -> Result<bool, PayloadError> {
    match outcome {
        Outcome::Completed(output) => output.decode::<u32>().map(|_| true),
        Outcome::Unknown => Ok(false),
    }
}

static REFUND: UndoRule = rule("refund", takes_output);
static RELEASE: UndoRule = rule("release", |_| Ok(true));
static UNPACK: UndoRule = rule("unpack", |_| Ok(true));

/// The workflow of the tests. `charge` is undone by what takes its output, `reserve` and `pack` by what takes
/// any outcome.
#[derive(Debug)]
pub(super) struct Shop;

impl Blueprint for Shop {
    fn name(&self) -> &'static str {
        "shop"
    }

    fn place(&self) -> (&'static str, u32) {
        ("src/shop.rs", 3)
    }

    fn graph(&self) -> &Graph {
        &GRAPH
    }

    fn undo_rule(&self, step: &StepId) -> Option<&'static UndoRule> {
        match step.name() {
            "charge" => Some(&REFUND),
            "reserve" => Some(&RELEASE),
            "pack" => Some(&UNPACK),
            _ => None,
        }
    }

    fn has_compensations(&self) -> bool {
        true
    }
}
