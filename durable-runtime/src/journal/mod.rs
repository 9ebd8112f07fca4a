//! The persisted vocabulary: ids, payloads, and the events a run's journal is made of.
//!
//! Invariant: everything here is plain data with a stable encoding. Nothing in this module reads a
//! clock, performs I/O or knows a store.

mod data;
mod event;
mod json;
mod time;

#[cfg(test)]
mod tests;

pub use crate::{
    id::{Epoch, InvalidRunId, MailId, RunId, RunKey, StepId, WorkerId},
    values::{Payload, PayloadError},
};
pub(crate) use event::Owner;
pub use event::{Event, EventKind, UnknownEvent};
pub use time::Timestamp;
pub(crate) use time::rfc3339;
