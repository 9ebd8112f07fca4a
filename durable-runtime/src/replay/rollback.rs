//! Rollback: from a cancellation or a failure on, the journal and the registered compensations alone
//! decide what happens. The body does not run again.

use super::{Machine, Resolution};
use crate::{
    graph::Compensator,
    journal::{EventKind, Payload, StepId, Timestamp},
    retry::Retry,
};

/// What a run that is being rolled back does next.
#[derive(Debug)]
pub enum RollbackStep {
    /// Wait: for a commit, for a child to end, or for step bodies to wind down.
    Wait,
    /// Wait until the next attempt of a compensation may start.
    Until(Timestamp),
    /// Run a compensation.
    Compensate(Compensate),
    /// Nothing is left; the end is proposed.
    Done,
    /// An operation is to be undone that this build does not know.
    Missing(StepId),
}

/// A compensation to run.
#[derive(Debug)]
pub struct Compensate {
    /// The step it undoes.
    pub step: StepId,
    /// The step's recorded output.
    pub output: Payload,
    /// Which attempt, from 1.
    pub attempt: u32,
    /// The compensation.
    pub compensator: &'static Compensator,
}

impl Machine {
    /// Decides the next move of the rollback. Children that still run are canceled and waited for
    /// first; then completed steps are compensated in reverse order of completion.
    pub fn next_rollback(&mut self) -> RollbackStep {
        if std::mem::take(&mut self.children_run_on) {
            let children: Vec<_> = self.ledger.children.keys().cloned().collect();
            children.iter().for_each(|step| self.cancel_child(step));
        }
        if !self.is_durable() || !self.ledger.children.is_empty() {
            return RollbackStep::Wait;
        }
        let Some(completed) = self.ledger.completed.last() else {
            if !self.ledger.ended {
                let verdict = self.ledger.verdict();
                self.propose(None, verdict);
            }
            return RollbackStep::Done;
        };
        if let Some(retry_at) = self
            .ledger
            .compensation_retry_at
            .filter(|at| *at > self.wall)
        {
            return RollbackStep::Until(retry_at);
        }
        let Some(compensator) = self.identity.definition.compensator(&completed.step) else {
            return RollbackStep::Missing(completed.step.clone());
        };
        RollbackStep::Compensate(Compensate {
            step: completed.step.clone(),
            output: completed.output.clone(),
            attempt: self.ledger.compensation_attempts + 1,
            compensator,
        })
    }

    /// Whether the rollback has done all it can before its children end: they have been asked to, and
    /// the body is gone.
    pub(super) fn rollback_awaits_children(&self) -> bool {
        self.is_rolling_back() && !self.children_run_on && !self.ledger.children.is_empty()
    }

    /// Tells how an attempt of a compensation ended.
    pub fn handle_compensation(&mut self, step: &StepId, attempt: u32, result: Resolution) {
        let kind = match result {
            Ok(_) => EventKind::Compensated,
            Err(failure) => {
                let failure = failure.at_step(step, attempt);
                let salt = super::random::derive(self.identity.seed, step.as_str());
                match Retry::compensation().next_delay(attempt, &failure, salt) {
                    Some(delay) => EventKind::CompensationAttemptFailed {
                        attempt,
                        failure,
                        retry_at: self.wall.after(delay),
                    },
                    None => EventKind::CompensationFailed { failure },
                }
            }
        };
        self.propose(Some(step.clone()), kind);
    }
}
