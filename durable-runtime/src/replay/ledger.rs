//! What the journal alone says about a run: the base of its rollback.

use std::collections::BTreeMap;

use crate::{
    failure::{Failure, FailureKind},
    graph::Definition,
    journal::{Event, EventKind, Payload, RunId, StepId, Timestamp},
};

/// A fold over the events of a run, kept up to date as events are proposed.
#[derive(Debug, Default)]
pub struct Ledger {
    pub(super) len: u32,
    /// Completed operations that have a compensation, or may have had one, in the order of completion.
    pub(super) completed: Vec<Completed>,
    /// Children that were started and have not ended, and whether they were asked to cancel.
    pub(super) children: BTreeMap<StepId, Child>,
    /// Why the run is being rolled back.
    pub(super) cause: Option<Cause>,
    /// Compensations that failed for good.
    pub(super) failed_compensations: Vec<Failure>,
    /// Failed attempts of the compensation that is next, and when to try again.
    pub(super) compensation_attempts: u32,
    pub(super) compensation_retry_at: Option<Timestamp>,
    pub(super) ended: bool,
}

#[derive(Debug)]
pub(super) struct Completed {
    pub(super) step: StepId,
    pub(super) output: Payload,
}

#[derive(Debug)]
pub(super) struct Child {
    pub(super) id: RunId,
    pub(super) canceled: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Cause {
    Canceled,
    Failed(Failure),
}

impl Ledger {
    /// Takes one event into account.
    pub(super) fn apply(&mut self, event: &Event, definition: &Definition) {
        self.len += 1;
        match (&event.kind, &event.step) {
            (EventKind::StepCompleted { output }, Some(step)) => {
                self.note_completed(step, output, definition);
            }
            (EventKind::ChildCompleted { output }, Some(step)) => {
                self.children.remove(step);
                self.note_completed(step, output, definition);
            }
            (EventKind::ChildStarted { child }, Some(step)) => {
                self.children.insert(
                    step.clone(),
                    Child {
                        id: child.clone(),
                        canceled: false,
                    },
                );
            }
            (EventKind::ChildFailed { .. }, Some(step)) => {
                self.children.remove(step);
            }
            (EventKind::ChildCanceled, Some(step)) => {
                if let Some(child) = self.children.get_mut(step) {
                    child.canceled = true;
                }
            }
            (EventKind::CancelRequested, _) => self.cause = Some(Cause::Canceled),
            (EventKind::RollbackStarted { failure }, _) => {
                self.cause = Some(Cause::Failed(failure.clone()));
            }
            (EventKind::Compensated, Some(step)) => self.settle_compensation(step),
            (EventKind::CompensationFailed { failure }, Some(step)) => {
                self.failed_compensations.push(failure.clone());
                self.settle_compensation(step);
            }
            (
                EventKind::CompensationAttemptFailed {
                    attempt, retry_at, ..
                },
                _,
            ) => {
                self.compensation_attempts = *attempt;
                self.compensation_retry_at = Some(*retry_at);
            }
            (kind, _) => self.ended |= kind.is_terminal(),
        }
    }

    fn note_completed(&mut self, step: &StepId, output: &Payload, definition: &Definition) {
        // An operation that this build does not know may have had a compensation in another.
        let is_known = definition.graph().locate(step).is_some();
        if definition.compensator(step).is_some() || !is_known {
            self.completed.push(Completed {
                step: step.clone(),
                output: output.clone(),
            });
        }
    }

    fn settle_compensation(&mut self, step: &StepId) {
        self.completed.retain(|completed| completed.step != *step);
        self.compensation_attempts = 0;
        self.compensation_retry_at = None;
    }

    /// The event that ends a rolled-back run.
    pub(super) fn verdict(&self) -> EventKind {
        let compensations = self.failed_compensations.clone();
        match &self.cause {
            Some(Cause::Failed(failure)) => EventKind::Failed {
                failure: failure.clone().with_compensations(compensations),
            },
            _ if compensations.is_empty() => EventKind::Canceled,
            _ => EventKind::Failed {
                failure: Failure::new(FailureKind::Canceled, "the run was canceled")
                    .with_compensations(compensations),
            },
        }
    }
}
