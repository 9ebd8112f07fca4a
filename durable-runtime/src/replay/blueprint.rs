//! What the core knows of the code that a run belongs to.

use std::{fmt, time::Duration};

use crate::{
    graph::Graph,
    journal::{Payload, PayloadError, StepId},
    outcome::Outcome,
    retry::Retry,
};

/// What the core knows of a workflow: its graph, and what undoes its operations. It never runs user code.
pub trait Blueprint: fmt::Debug + Send + Sync {
    /// The workflow's name.
    fn name(&self) -> &'static str;

    /// The file it is written in, and the line of its name there.
    fn place(&self) -> (&'static str, u32);

    /// Its static graph.
    fn graph(&self) -> &Graph;

    /// What undoes an operation, if it has a compensation.
    fn undo_rule(&self, step: &StepId) -> Option<&'static UndoRule>;

    /// Whether any operation has a compensation.
    fn has_compensations(&self) -> bool;
}

/// What the core knows of a compensation.
#[derive(Debug, Clone, Copy)]
pub struct UndoRule {
    /// Its name.
    pub name: &'static str,
    /// Says whether it can undo a step of which this became: not one of unknown outcome, if it takes an
    /// output; fails when the output does not decode.
    pub check: fn(Outcome<&Payload>) -> Result<bool, PayloadError>,
    /// How often it is tried.
    pub retry: fn() -> Retry,
    /// How long an attempt may take.
    pub timeout: fn() -> Duration,
}
