//! Nesting: durable operations belong to the body itself, or to a branch of a combinator.

use super::hazards;
use crate::{
    diagnostics::Diagnostics,
    facts::{Body, ContextUse, How, Operation, Place},
};

const BODY_IS_SKIPPED: &str = "the body does not run on a replay, so what it asks of the workflow \
    would be missing there, and later answers would shift";

pub(super) fn check(body: &Body, diagnostics: &mut Diagnostics) {
    for operation in &body.operations {
        if !hazards::covers(body, operation.order) {
            operation_check(operation, &body.context, diagnostics);
        }
    }
    for used in &body.uses {
        if hazards::covers(body, used.order) {
            continue;
        }
        match used.how {
            How::Asked => query_check(used, diagnostics),
            How::Captured => captured(used, diagnostics),
            _ => {}
        }
    }
}

fn operation_check(operation: &Operation, context: &str, diagnostics: &mut Diagnostics) {
    let noun = operation.kind.noun();
    let method = &operation.method;
    let sketch = operation.sketch(context);
    match operation.place {
        Place::Body | Place::FanOut => {}
        Place::StepBody => diagnostics.push(
            method,
            format_args!("a {noun} inside the body of a step"),
            "a step is recorded as a whole and its body does not run again on a replay, so nothing \
             durable can happen inside it",
            format_args!(
                "end the step first, and give its result to what follows: `let first = \
                 {context}.step(..).await?; {sketch}.await?`"
            ),
        ),
        Place::Closure => diagnostics.push(
            method,
            format_args!("a {noun} inside a closure"),
            "how often a closure runs, and when, is its caller's affair, and the step graph must \
             know it",
            format_args!(
                "an `if` or a `for` loop; or, for all at once, `durable::join_all(items.iter().map(|item| \
                 {sketch}))`"
            ),
        ),
        Place::Async => diagnostics.push(
            method,
            format_args!("a {noun} inside an `async` block"),
            "whoever polls the block decides when it goes on, and may decide otherwise on a replay",
            "write it in the body; or hand the block itself to a combinator: `durable::join!(async { .. }, \
             ..)`, `durable::join_all(items.iter().map(|item| async move { .. }))`",
        ),
        Place::Escape => diagnostics.push(
            method,
            format_args!("a {noun} inside `nondeterministic!`"),
            "what is in there is not judged, and a durable operation must be",
            "take it out, and use its result in there",
        ),
    }
}

fn query_check(asked: &ContextUse, diagnostics: &mut Diagnostics) {
    let context = &asked.ident;
    match asked.place {
        // A closure of the body runs in the body's own order, so what it asks is the same on a replay.
        Place::Body | Place::FanOut | Place::Closure | Place::Escape => {}
        Place::StepBody => diagnostics.push(
            context,
            format_args!("`{context}` inside the body of a step"),
            BODY_IS_SKIPPED,
            format_args!(
                "ask before the step (`let now = {context}.now();`), or ask the step itself: \
                 `|step| .. step.state::<App>() ..`"
            ),
        ),
        Place::Async => diagnostics.push(
            context,
            format_args!("`{context}` inside an `async` block"),
            "whoever polls the block decides when it goes on, and may decide otherwise on a replay",
            "ask before the block; or hand the block itself to a combinator: `durable::join!(async { .. \
             }, ..)`",
        ),
    }
}

fn captured(used: &ContextUse, diagnostics: &mut Diagnostics) {
    let local = &used.ident;
    diagnostics.push(
        local,
        format_args!("`{local}` uses the context, and is used inside the body of a step"),
        BODY_IS_SKIPPED,
        format_args!("call it before the step, and use what it gives in the body"),
    );
}
