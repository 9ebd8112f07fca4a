//! What the journal alone says about a run: the base of its rollback.

use std::collections::BTreeMap;

use super::Blueprint;
use crate::{
    failure::{Failure, FailureKind},
    journal::{Event, EventKind, Payload, RunId, StepId, Timestamp},
    outcome::Outcome,
};

/// A fold over the events of a run, kept up to date as events are proposed.
#[derive(Debug, Default)]
pub struct Ledger {
    pub(super) len: u32,
    /// What a rollback undoes, in the order in which it was done.
    pub(super) to_undo: Vec<ToUndo>,
    /// Steps with a compensation whose attempts may have had their effect, and that have not ended.
    unsettled: BTreeMap<StepId, Unsettled>,
    /// What operations came to, for compensations to look up; kept when the workflow has any.
    results: BTreeMap<StepId, Payload>,
    /// Children that were started and have not ended, and whether they were asked to cancel.
    pub(super) children: BTreeMap<StepId, Child>,
    /// Why the run is being rolled back.
    pub(super) cause: Option<Cause>,
    /// Whether nothing more is undone.
    pub(super) abandoned: bool,
    /// Compensations that failed for good.
    pub(super) failed_compensations: Vec<Failure>,
    /// Attempts that were begun of the compensation that is next, and when to try again.
    pub(super) compensation_attempts: u32,
    pub(super) compensation_retry_at: Option<Timestamp>,
    /// Whether the last of them has no recorded end.
    pub(super) compensation_runs: bool,
    pub(super) ended: bool,
}

/// An operation that has a compensation, or may have had one.
#[derive(Debug)]
pub(super) struct ToUndo {
    pub(super) step: StepId,
    /// What became of it.
    pub(super) outcome: Outcome<Payload>,
    /// The attempt whose outcome is unknown.
    pub(super) attempt: u32,
}

/// The attempts of a step that has not ended.
#[derive(Debug)]
struct Unsettled {
    /// The position of its first start.
    since: u32,
    /// The attempt that was started and has no recorded end.
    running: Option<u32>,
    /// The last attempt that was cut off. Only that the step completes tells what it did.
    cut_off: Option<u32>,
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
    pub(super) fn apply(&mut self, event: &Event, blueprint: &dyn Blueprint) {
        self.len += 1;
        if let Some(step) = &event.step {
            self.apply_attempt(step, &event.kind, blueprint);
        }
        match (&event.kind, &event.step) {
            (EventKind::SignalReceived { payload }, Some(step)) => {
                self.note_result(step, payload, blueprint);
            }
            (EventKind::ChildCompleted { output }, Some(step)) => {
                self.children.remove(step);
                self.note_result(step, output, blueprint);
                self.note_to_undo(step, Outcome::Completed(output), 0, blueprint);
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
            (EventKind::RollbackAbandoned, _) => self.abandoned = true,
            (EventKind::Compensated, Some(step)) => self.settle_compensation(step),
            (EventKind::CompensationFailed { failure }, Some(step)) => {
                self.failed_compensations.push(failure.clone());
                self.settle_compensation(step);
            }
            (EventKind::CompensationStarted { attempt }, _) => {
                self.compensation_attempts = *attempt;
                self.compensation_retry_at = None;
                self.compensation_runs = true;
            }
            (
                EventKind::CompensationAttemptFailed {
                    attempt, retry_at, ..
                },
                _,
            ) => {
                self.compensation_attempts = *attempt;
                self.compensation_retry_at = Some(*retry_at);
                self.compensation_runs = false;
            }
            (kind, _) => self.ended |= kind.is_terminal(),
        }
    }

    /// Keeps what the attempts of a step may have done.
    fn apply_attempt(&mut self, step: &StepId, kind: &EventKind, blueprint: &dyn Blueprint) {
        match kind {
            EventKind::StepStarted { attempt } if may_be_undone(step, blueprint) => {
                let unsettled = self.unsettled_at(step);
                // One that was started before, and has no end, was cut off by a crash and made again.
                unsettled.cut_off = unsettled.running.or(unsettled.cut_off);
                unsettled.running = Some(*attempt);
            }
            EventKind::StepAttemptFailed {
                attempt, failure, ..
            } if may_be_undone(step, blueprint) => {
                let unsettled = self.unsettled_at(step);
                unsettled.running = None;
                if failure.leaves_outcome_unknown() {
                    unsettled.cut_off = Some(*attempt);
                }
            }
            EventKind::StepCompleted { output } => {
                self.unsettled.remove(step);
                self.note_result(step, output, blueprint);
                self.note_to_undo(step, Outcome::Completed(output), 0, blueprint);
            }
            EventKind::StepFailed { failure } => {
                let unsettled = self.unsettled.remove(step);
                let cut_off = unsettled.and_then(|unsettled| unsettled.cut_off);
                let last = failure.leaves_outcome_unknown();
                if let Some(attempt) = last.then_some(failure.attempts()).or(cut_off) {
                    self.note_to_undo(step, Outcome::Unknown, attempt, blueprint);
                }
            }
            EventKind::StepInterrupted { attempt } => {
                self.unsettled.remove(step);
                self.note_to_undo(step, Outcome::Unknown, *attempt, blueprint);
            }
            _ => {}
        }
    }

    fn unsettled_at(&mut self, step: &StepId) -> &mut Unsettled {
        let since = self.len;
        let new = || Unsettled {
            since,
            running: None,
            cut_off: None,
        };
        self.unsettled.entry(step.clone()).or_insert_with(new)
    }

    /// The attempt of a step, not ended, that may have had its effect.
    pub(super) fn may_have_happened(&self, step: &StepId) -> Option<u32> {
        let unsettled = self.unsettled.get(step)?;
        unsettled.running.or(unsettled.cut_off)
    }

    /// Steps, not ended, that may have had their effect, in the order in which they began.
    pub(super) fn unsettled(&self) -> Vec<StepId> {
        let mut steps: Vec<_> = self
            .unsettled
            .iter()
            .filter(|(step, _)| self.may_have_happened(step).is_some())
            .map(|(step, unsettled)| (unsettled.since, step.clone()))
            .collect();
        steps.sort_unstable();
        steps.into_iter().map(|(_, step)| step).collect()
    }

    pub(super) fn has_something_to_undo(&self) -> bool {
        !self.to_undo.is_empty() || !self.unsettled().is_empty()
    }

    /// What an operation came to.
    pub(super) fn result(&self, step: &StepId) -> Option<&Payload> {
        self.results.get(step)
    }

    fn note_result(&mut self, step: &StepId, output: &Payload, blueprint: &dyn Blueprint) {
        if blueprint.has_compensations() {
            self.results.insert(step.clone(), output.clone());
        }
    }

    fn note_to_undo(
        &mut self,
        step: &StepId,
        outcome: Outcome<&Payload>,
        attempt: u32,
        blueprint: &dyn Blueprint,
    ) {
        if may_be_undone(step, blueprint) {
            self.to_undo.push(ToUndo {
                step: step.clone(),
                outcome: outcome.map(Payload::clone),
                attempt,
            });
        }
    }

    /// What a journal says, with the names that operations have now.
    pub fn of(events: &[Event], blueprint: &dyn Blueprint) -> Self {
        let mut ledger = Self::default();
        events
            .iter()
            .for_each(|event| ledger.apply(event, blueprint));
        ledger
    }

    /// Where a rollback that has not ended stands: the step that is being undone with the number of the last
    /// attempt (0 when none has begun), and how many steps are to be undone, that one included.
    pub fn rollback(&self) -> Option<(Option<(StepId, u32)>, usize)> {
        if self.cause.is_none() || self.ended {
            return None;
        }
        let next = self.to_undo.last().filter(|_| self.children.is_empty());
        let next = next.map(|undo| (undo.step.clone(), self.compensation_attempts));
        Some((next, self.to_undo.len() + self.unsettled().len()))
    }

    fn settle_compensation(&mut self, step: &StepId) {
        if let Some(position) = self.to_undo.iter().rposition(|undo| undo.step == *step) {
            self.to_undo.remove(position);
        }
        self.compensation_attempts = 0;
        self.compensation_retry_at = None;
        self.compensation_runs = false;
    }

    /// What nobody undoes: nothing, unless the rollback was abandoned.
    fn not_undone(&self) -> impl Iterator<Item = Failure> {
        let left = self.to_undo.iter().rev().enumerate();
        left.map(|(place, undo)| {
            // The attempts are those of the one that is next.
            let attempts = if place == 0 {
                self.compensation_attempts
            } else {
                0
            };
            Failure::not_undone(&undo.step, attempts)
        })
    }

    /// The event that ends a rolled-back run.
    pub(super) fn verdict(&self) -> EventKind {
        let mut compensations = self.failed_compensations.clone();
        compensations.extend(self.not_undone());
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

/// Whether an operation has a compensation. One that this build does not know may have had one in another.
fn may_be_undone(step: &StepId, blueprint: &dyn Blueprint) -> bool {
    blueprint.undo_rule(step).is_some() || blueprint.graph().locate(step).is_none()
}
