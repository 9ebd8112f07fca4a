//! Signals: each carries a value of a type that its sender knows.

use crate::{
    diagnostics::Diagnostics,
    graph::{Body, Kind, Operation},
};

pub(super) fn check(body: &Body, diagnostics: &mut Diagnostics) {
    for operation in &body.operations {
        match (operation.kind, &operation.generic) {
            (Kind::Signal, None) => untyped(operation, "signal", "Approval", diagnostics),
            (Kind::Child, None) => untyped(operation, "child", "ship", diagnostics),
            _ => {}
        }
    }
}

fn untyped(operation: &Operation, noun: &str, example: &str, diagnostics: &mut Diagnostics) {
    let name = operation.literal().map(syn::LitStr::value);
    let name = name.as_deref().unwrap_or("a_name");
    let (what, why) = match operation.kind {
        Kind::Child => (
            "the workflow of a child must be named",
            "it is started by that name, now and on a replay, and the step graph shows it",
        ),
        _ => (
            "the type of a signal's value must be named",
            "whoever sends it, perhaps months later from another process, is checked against that \
             type",
        ),
    };
    diagnostics.push(
        &operation.method,
        what,
        why,
        format_args!(
            "`ctx.{noun}::<{example}>(\"{name}\"{})`",
            rest(operation.kind)
        ),
    );
}

fn rest(kind: Kind) -> &'static str {
    if kind == Kind::Child { ", input" } else { "" }
}
