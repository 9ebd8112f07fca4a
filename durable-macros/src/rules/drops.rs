//! Drops: an operation that is built is awaited.

use proc_macro2::Ident;

use super::hazards;
use crate::{
    diagnostics::Diagnostics,
    facts::{Body, Choice, Fate, Kind, Operation, Place},
    syntax::operation_call::is_of_result,
};

const WHY: &str = "an operation does nothing until it is awaited: the run would go on without it";

/// What is called on an operation before what can only be called on its result.
pub(super) fn options(operation: &Operation) -> &[Choice] {
    let mut options = operation.options.iter();
    let end = options.position(|choice| is_of_result(&choice.name));
    &operation.options[..end.unwrap_or(operation.options.len())]
}

pub(super) fn check(body: &Body, diagnostics: &mut Diagnostics) {
    for operation in &body.operations {
        let misplaced = !matches!(operation.place, Place::Body | Place::FanOut);
        if !misplaced && !hazards::covers(body, operation.order) {
            operation_check(operation, &body.context, diagnostics);
        }
    }
    for (local, is_one) in &body.forgotten {
        let (what, instead) = if *is_one {
            (
                format!("the operation in `{local}` is never awaited"),
                format!("`{local}.await?`, or hand it to `durable::join!`"),
            )
        } else {
            (
                format!("the operations in `{local}` are never awaited"),
                "await each of them, or hand them to `durable::join_all`".to_owned(),
            )
        };
        diagnostics.push(local, what, WHY, instead);
    }
    for combinator in &body.dropped_combinators {
        dropped(combinator, &format!("`{combinator}`"), diagnostics);
    }
}

fn operation_check(operation: &Operation, context: &str, diagnostics: &mut Diagnostics) {
    if operation.is_short {
        // The compiler says which arguments there should be.
        return;
    }
    let noun = operation.kind.noun();
    if let Some(choice) = operation.options.get(options(operation).len()) {
        let name = &choice.name;
        return diagnostics.push(
            name,
            format_args!("this {noun} is not awaited before `.{name}(..)`"),
            "an operation has a result once it is awaited, and does nothing until then",
            format_args!("`.await.{name}(..)`"),
        );
    }
    match operation.fate {
        Fate::Awaited | Fate::Branch | Fate::Used => {}
        Fate::Discarded if operation.kind == Kind::Child => diagnostics.push(
            &operation.method,
            "this child is not awaited",
            WHY,
            "add `.await?`; to run it beside others, hand it to `durable::join!`; to start a run and not \
             wait for it, start it in a step with a client: `client.start::<order>(id, input).await?`",
        ),
        Fate::Discarded => dropped(&operation.method, &format!("this {noun}"), diagnostics),
        Fate::Wildcard => diagnostics.push(
            &operation.method,
            format_args!("this {noun} is thrown away by `_`"),
            WHY,
            format_args!(
                "`let _ = {}.await;` if its result does not matter; to run it beside others, \
                 hand it to `durable::join!`",
                operation.sketch(context)
            ),
        ),
    }
}

fn dropped(at: &Ident, subject: &str, diagnostics: &mut Diagnostics) {
    diagnostics.push(
        at,
        format_args!("{subject} is not awaited"),
        WHY,
        "add `.await?`; to run it beside others, hand it to `durable::join!`",
    );
}
