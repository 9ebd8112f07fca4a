//! What a journal says about a run that is under way.

use std::collections::BTreeMap;

use serde_json::Value;

use super::snapshot::{StepInFlight, Waiting, WaitsOn};
use crate::{
    failure::Failure,
    journal::{Event, EventKind, StepId, Timestamp},
};

/// A fold over the events of a run.
#[derive(Default)]
pub(super) struct Progress {
    pub(super) done: usize,
    pub(super) results: BTreeMap<StepId, Value>,
    pub(super) failure: Option<Failure>,
    pub(super) output: Option<Value>,
    attempts: BTreeMap<StepId, u32>,
    /// With the position since which it is so.
    waits: BTreeMap<StepId, (usize, WaitsOn, Option<Timestamp>)>,
}

impl Progress {
    pub(super) fn of(history: &[Event]) -> Self {
        let mut progress = Self::default();
        for (position, event) in history.iter().enumerate() {
            progress.apply(position, event);
        }
        progress
    }

    /// Adds what the process that runs it knows.
    pub(super) fn note_attempts(&mut self, attempts: Vec<(StepId, u32)>) {
        self.attempts.extend(attempts);
    }

    pub(super) fn in_flight(&self) -> Vec<StepInFlight> {
        let attempts = self.attempts.iter();
        attempts
            .map(|(step, attempt)| StepInFlight {
                step: step.clone(),
                attempt: *attempt,
            })
            .collect()
    }

    pub(super) fn waiting(&self) -> Vec<Waiting> {
        let mut waits: Vec<_> = self.waits.iter().collect();
        waits.sort_unstable_by_key(|(_, (since, ..))| *since);
        waits
            .into_iter()
            .map(|(step, (_, on, until))| Waiting {
                step: step.clone(),
                on: *on,
                until: *until,
            })
            .collect()
    }

    fn apply(&mut self, position: usize, event: &Event) {
        match (&event.kind, &event.step) {
            (kind, None) => self.apply_to_run(kind),
            (kind, Some(step)) => self.apply_to_step(position, step, kind),
        }
    }

    fn apply_to_run(&mut self, kind: &EventKind) {
        match kind {
            EventKind::Failed { failure } | EventKind::RollbackStarted { failure } => {
                self.failure = Some(failure.clone());
            }
            EventKind::Completed { output } => self.output = Some(output.to_json()),
            _ => {}
        }
        if kind.is_terminal() {
            self.waits.clear();
            self.attempts.clear();
        }
        // The body waits no more; its children are waited for.
        if kind.begins_rollback() {
            self.waits.retain(|_, (_, on, _)| *on == WaitsOn::Child);
        }
    }

    fn apply_to_step(&mut self, position: usize, step: &StepId, kind: &EventKind) {
        match kind {
            EventKind::StepCompleted { output }
            | EventKind::ChildCompleted { output }
            | EventKind::SignalReceived { payload: output } => {
                self.results.insert(step.clone(), output.to_json());
                self.end(step);
            }
            EventKind::TimerFired
            | EventKind::StepFailed { .. }
            | EventKind::StepInterrupted { .. }
            | EventKind::ChildFailed { .. } => self.end(step),
            EventKind::StepStarted { attempt } => {
                self.waits.remove(step);
                self.attempts.insert(step.clone(), *attempt);
            }
            EventKind::TimerArmed { due } => {
                self.wait(position, step, WaitsOn::Timer, Some(*due));
            }
            EventKind::StepAttemptFailed { retry_at, .. }
            | EventKind::CompensationAttemptFailed { retry_at, .. } => {
                self.wait(position, step, WaitsOn::Retry, Some(*retry_at));
            }
            EventKind::SignalAwaited { due } => self.wait(position, step, WaitsOn::Signal, *due),
            EventKind::ChildStarted { .. } => self.wait(position, step, WaitsOn::Child, None),
            EventKind::CompensationStarted { .. }
            | EventKind::Compensated
            | EventKind::CompensationFailed { .. } => {
                self.waits.remove(step);
            }
            _ => {}
        }
    }

    fn wait(&mut self, position: usize, step: &StepId, on: WaitsOn, until: Option<Timestamp>) {
        self.attempts.remove(step);
        self.waits.insert(step.clone(), (position, on, until));
    }

    fn end(&mut self, step: &StepId) {
        self.done += 1;
        self.waits.remove(step);
        self.attempts.remove(step);
    }
}
