//! The spans that user code runs in: its lines carry the run, the step and the attempt.

use std::{future::Future, pin::Pin};

use tracing::{Instrument, Span, info_span};

use crate::journal::{RunId, StepId};

/// Around a body, for as long as its run is in memory.
pub(crate) fn span_of_run(run: &RunId, workflow: &str) -> Span {
    info_span!(target: "durable", parent: None, "workflow", %run, workflow)
}

/// Around one attempt of a step.
pub(crate) fn span_of_attempt(run: &RunId, step: &StepId, attempt: u32) -> Span {
    info_span!(target: "durable", "step", %run, %step, attempt)
}

/// Around one attempt of a compensation.
pub(crate) fn span_of_compensation(run: &RunId, step: &StepId, attempt: u32) -> Span {
    info_span!(target: "durable", parent: None, "compensation", %run, %step, attempt)
}

/// A boxed future, polled and dropped inside a span; the same box when nobody wants to know.
pub(crate) fn in_span<'f, T: 'f>(
    span: Span,
    future: Pin<Box<dyn Future<Output = T> + Send + 'f>>,
) -> Pin<Box<dyn Future<Output = T> + Send + 'f>> {
    if span.is_disabled() {
        return future;
    }
    Box::pin(future.instrument(span))
}
