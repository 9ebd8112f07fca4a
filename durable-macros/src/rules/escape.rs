//! Escape: the context stays in the body, under its own name.

use super::hazards;
use crate::{
    diagnostics::Diagnostics,
    facts::{Body, ContextUse, How},
};

pub(super) fn check(body: &Body, diagnostics: &mut Diagnostics) {
    for escape in &body.uses {
        if hazards::covers(body, escape.order) {
            continue;
        }
        let context = &escape.ident;
        match &escape.how {
            How::Asked | How::Captured => {}
            How::Passed(receiver) => passed(escape, receiver, diagnostics),
            How::Stored => diagnostics.push(
                context,
                format_args!("`{context}` cannot be moved into a variable, a value or a result"),
                "operations are found by the name of the context; under any other name they would \
                 be neither checked nor part of the step graph",
                format_args!("call `{context}` itself, where an operation is needed"),
            ),
            How::Cloned => diagnostics.push(
                context,
                format_args!("`{context}` cannot be cloned"),
                "a second context would make operations that the step graph does not have",
                format_args!("call `{context}` itself, where an operation is needed"),
            ),
            How::Scoped => diagnostics.push(
                context,
                format_args!("`{context}.scope(..)` can only be handed to a fragment, at once"),
                "a scope is the place of a fragment's operations in the step graph, and belongs to \
                 one call",
                format_args!(
                    "`bill({context}.scope(\"billing\"), ..).await?`, where `bill` is a \
                     `#[durable::steps]` fn"
                ),
            ),
        }
    }
}

fn passed(escape: &ContextUse, receiver: &str, diagnostics: &mut Diagnostics) {
    let context = &escape.ident;
    let instead = if let Some(method) = receiver.strip_prefix("Ctx::") {
        format!("`{context}.{method}(..)`")
    } else if is_plain_fn(receiver) {
        format!(
            "pass the values that it needs; or, if it has steps of its own, make it a fragment with \
             `#[durable::steps]` and call it as `{receiver}({context}.scope(\"a_name\"), ..).await?`"
        )
    } else {
        "pass the values that it needs".to_owned()
    };
    diagnostics.push(
        context,
        format_args!("`{context}` cannot be passed to {}", subject(receiver)),
        "operations in there would be in nobody's step graph, so a replay could not be checked \
         against it",
        instead,
    );
}

/// Whether this is the path of a fn, and not a method, a macro, a constructor or an expression.
fn is_plain_fn(receiver: &str) -> bool {
    receiver
        .chars()
        .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == ':')
}

fn subject(receiver: &str) -> String {
    if receiver.starts_with('(') {
        "a closure".to_owned()
    } else {
        format!("`{receiver}`")
    }
}
