//! What is found in an error and its sources.

use std::error::Error as StdError;

use super::{Failure, FailureKind, Inner, step_error::Marked};

/// The failure that an error amounts to which is itself neither a [`Failure`] nor a [`StepError`], but may
/// have one inside.
pub(super) fn describe(error: &(dyn StdError + 'static), error_type: &str) -> Failure {
    let message = error.to_string();
    let mut sources = Vec::new();
    let mut found: Option<Inner> = None;
    let mut marked = Vec::new();
    let chain = std::iter::successors(error.source(), |source: &&(dyn StdError + 'static)| {
        (*source).source()
    });
    // A chain that points at itself must not hang the engine.
    for source in chain.take(32) {
        if let Some(inner) = failure_in(source) {
            found = Some(inner.clone());
            break;
        }
        match source.downcast_ref::<Marked>() {
            Some(found) => marked.push(found),
            None => sources.push(source.to_string()),
        }
    }
    let mut failure = match found {
        Some(inner) => wrapped(inner, &message, sources),
        None => {
            let mut failure = Failure::new(FailureKind::Application, message);
            failure.0.sources = sources;
            failure
        }
    };
    // A boxed error's static type says nothing, and is left out.
    if !error_type.contains("dyn ") {
        error_type.clone_into(&mut failure.0.error_type);
    }
    // The outermost has the last word.
    for marked in marked.into_iter().rev() {
        marked.instruct(&mut failure);
    }
    failure
}

fn failure_in<'e>(error: &'e (dyn StdError + 'static)) -> Option<&'e Inner> {
    let failure = error.downcast_ref::<Failure>().map(|failure| &*failure.0);
    failure.or_else(|| error.downcast_ref())
}

/// A failure with the text of the error that it was in.
fn wrapped(inner: Inner, message: &str, mut sources: Vec<String>) -> Failure {
    let inner = Failure(Box::new(inner));
    // The step and the attempts are told anyway.
    let text = inner.to_string();
    let short = |outer: &str| outer.replace(&text, inner.message());
    let message = short(message);
    sources = sources.iter().map(|source| short(source)).collect();
    if !sources.contains(&inner.0.message) {
        sources.push(inner.0.message.clone());
    }
    sources.extend_from_slice(inner.sources());
    sources.retain(|source| *source != message);
    let mut failure = inner;
    failure.0.message = message;
    failure.0.sources = sources;
    failure
}
