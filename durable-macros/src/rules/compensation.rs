//! Compensations.

use syn::Expr;

use crate::{
    diagnostics::Diagnostics,
    facts::{Body, Kind, Operation},
};

pub(super) fn check(body: &Body, diagnostics: &mut Diagnostics) {
    for operation in &body.operations {
        // A second one is reported as a repeated option.
        if let Some(choice) = operation.choices("compensate").next() {
            if !matches!(operation.kind, Kind::Step | Kind::Child) {
                wait(operation, &choice.name, diagnostics);
            } else if let Some(value) = choice.args.first() {
                value_check(value, diagnostics);
            }
        }
    }
}

fn wait(operation: &Operation, name: &syn::Ident, diagnostics: &mut Diagnostics) {
    let noun = operation.kind.noun();
    diagnostics.push(
        name,
        format_args!("a {noun} cannot be compensated"),
        "waiting has no effect that a rollback could undo",
        "put `.compensate(..)` on the step or child whose effect is to be undone",
    );
}

fn value_check(value: &Expr, diagnostics: &mut Diagnostics) {
    if matches!(value, Expr::Path(_)) {
        return;
    }
    diagnostics.push(
        value,
        "a compensation is the name of a `#[durable::compensate]` fn",
        "after a crash the rollback has the journal and no body, so it can call only what is \
         registered by name",
        "move this into `#[durable::compensate] async fn undo(step: &StepCtx, output: ..)` and write \
         `.compensate(undo)`",
    );
}
