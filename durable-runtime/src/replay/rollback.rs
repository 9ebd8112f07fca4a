//! Rollback: from a cancellation or a failure on, the journal and the registered compensations alone
//! decide what happens. The body does not run again.

use super::{Machine, Nondeterminism, Resolution, UndoRule, ledger::Cause, ledger::ToUndo};
use crate::{
    failure::{Failure, FailureKind},
    journal::{EventKind, Payload, StepId, Timestamp},
    outcome::Outcome,
    random::derive,
};

/// What a run that is being rolled back does next.
#[derive(Debug)]
pub(super) enum RollbackStep {
    /// Wait: for a commit, for a child to end, or until compensations may start.
    Wait,
    /// Wait until the next attempt of a compensation may start.
    Until(Timestamp),
    /// Run a compensation.
    Compensate(Compensate),
    /// Nothing is left; the end is proposed.
    Done,
    /// Something is to be undone and this build cannot.
    Stuck(Nondeterminism),
}

/// A compensation to run.
#[derive(Debug, Clone)]
pub struct Compensate {
    /// The step it undoes.
    pub step: StepId,
    /// What became of the step.
    pub outcome: Outcome<Payload>,
    /// Which attempt, from 1.
    pub attempt: u32,
    /// What undoes it.
    pub rule: &'static UndoRule,
}

impl Machine {
    /// Decides the next move of the rollback. Children that still run are canceled and waited for
    /// first; then what was done, or may have been, is undone in reverse order. Each attempt is recorded
    /// before it begins.
    pub(super) fn next_rollback(&mut self) -> RollbackStep {
        if std::mem::take(&mut self.children_run_on) {
            self.cancel_children();
        }
        self.interrupt_all();
        if self.ledger.abandoned {
            return self.end_rollback();
        }
        if !self.ledger.children.is_empty() {
            return RollbackStep::Wait;
        }
        let Some(undo) = self.ledger.to_undo.last() else {
            return self.end_rollback();
        };
        let retry_at = self.ledger.compensation_retry_at;
        if let Some(retry_at) = retry_at.filter(|at| *at > self.wall) {
            return RollbackStep::Until(retry_at);
        }
        let rule = match self.rule_for(undo) {
            Ok(rule) => rule,
            Err(_) if !self.is_durable() => return RollbackStep::Wait,
            Err(reason) => return RollbackStep::Stuck(reason),
        };
        let step = undo.step.clone();
        let outcome = undo.outcome.clone();
        let Some(attempt) = self.attempt_to_make(&step) else {
            return RollbackStep::Wait;
        };
        RollbackStep::Compensate(Compensate {
            step,
            outcome,
            attempt,
            rule,
        })
    }

    /// The attempt of a compensation that may be made now. Its start is recorded before.
    fn attempt_to_make(&mut self, step: &StepId) -> Option<u32> {
        let attempts = self.ledger.compensation_attempts;
        if self.compensating.is_none() && self.ledger.compensation_runs {
            // Attempts that were cut off count: the one that is recorded, and one for each later death.
            self.compensating = Some(attempts + self.deaths.max(1));
        } else if self.compensating.is_none() && !self.held {
            let attempt = attempts + 1;
            self.compensating = Some(attempt);
            let started = EventKind::CompensationStarted { attempt };
            self.propose(Some(step.clone()), started);
        }
        self.compensating.filter(|_| self.is_durable())
    }

    fn end_rollback(&mut self) -> RollbackStep {
        if !self.is_durable() {
            return RollbackStep::Wait;
        }
        if !self.ledger.ended {
            let verdict = self.ledger.verdict();
            self.propose(None, verdict);
        }
        RollbackStep::Done
    }

    /// The compensation of what is to be undone next, if this build has one that can.
    fn rule_for(&self, undo: &ToUndo) -> Result<&'static UndoRule, Nondeterminism> {
        let ToUndo {
            step,
            outcome,
            attempt,
        } = undo;
        let source = self.source_of(Some(step));
        let Some(rule) = self.identity.blueprint.undo_rule(step) else {
            let what = format!("to undo `{step}`, which this build does not have");
            return Err(Nondeterminism::broken(what, source));
        };
        match (rule.check)(outcome.as_ref()) {
            Ok(true) => Ok(rule),
            Ok(false) if self.kept.contains(step) => Ok(rule),
            Ok(false) => {
                let name = rule.name;
                Err(Nondeterminism::unknown_outcome(
                    step, *attempt, name, source,
                ))
            }
            Err(error) => Err(Nondeterminism::undecodable(step, &error, source)),
        }
    }

    /// Notes that the shell has what a step gave, which could not be recorded: its compensation gets it, once.
    pub fn note_kept(&mut self, step: &StepId) {
        self.kept.insert(step.clone());
    }

    /// Whether the rollback has done all it can before its children end: they have been asked to, and
    /// the body is gone.
    pub(super) fn rollback_awaits_children(&self) -> bool {
        self.is_rolling_back() && !self.children_run_on && !self.ledger.children.is_empty()
    }

    /// Tells how an attempt of a compensation ended.
    pub(super) fn handle_compensation(&mut self, compensate: &Compensate, result: Resolution) {
        let Compensate {
            step,
            attempt,
            rule,
            ..
        } = compensate;
        self.compensating = None;
        self.kept.remove(step);
        let kind = match result {
            Ok(_) => EventKind::Compensated,
            Err(failure) => {
                let failure = failure.at_step(step, *attempt);
                let salt = derive(self.identity.seed, step.as_str());
                match (rule.retry)().next_delay(*attempt, &failure, salt) {
                    Some(delay) => EventKind::CompensationAttemptFailed {
                        attempt: *attempt,
                        failure,
                        retry_at: self.wall.after(delay),
                    },
                    None => EventKind::CompensationFailed { failure },
                }
            }
        };
        self.propose(Some(step.clone()), kind);
    }

    /// Why the run is being rolled back, as a failure.
    pub fn rollback_failure(&self) -> Option<Failure> {
        self.ledger.cause.as_ref().map(|cause| match cause {
            Cause::Canceled => Failure::new(FailureKind::Canceled, "the run was canceled"),
            Cause::Failed(failure) => failure.clone(),
        })
    }

    /// What an operation came to that has completed, for a compensation.
    ///
    /// # Errors
    ///
    /// The identity, when the workflow has no operation of that name.
    pub fn result_of(&self, step: StepId) -> Result<Option<Payload>, StepId> {
        let graph = self.identity.blueprint.graph();
        match graph.locate(&step) {
            Some(_) => Ok(self.ledger.result(&graph.present(step)).cloned()),
            None => Err(step),
        }
    }

    /// Notes that a compensation asks for something that this build cannot give it: the run cannot go on
    /// with it.
    pub fn report_unfit(&mut self, step: &StepId, what: String) {
        let source = self.source_of(Some(step));
        let fault = Nondeterminism::broken(what, source);
        self.fault.get_or_insert(fault);
    }
}
