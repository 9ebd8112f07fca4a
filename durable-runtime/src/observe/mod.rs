//! What the engine says to whoever listens with `tracing`.
//!
//! Invariant: every event and span of the engine is made here, under a name and with fields that are a
//! promise; `guide/observability.md` lists them, and a test compares the two. The target of each is
//! `durable`. A run is named by its id. No payload is ever a field; the texts of failures are.

pub(crate) mod run;
mod silence;
mod spans;
pub(crate) mod worker;

pub(crate) use silence::silently;
pub(crate) use spans::{in_span, span_of_attempt, span_of_compensation, span_of_run};
