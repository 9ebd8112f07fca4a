//! Delivery: events reach the body in journal order, one at a time.

use super::{
    Machine, Nondeterminism,
    operation::{Ask, OperationIndex, State},
};
use crate::{
    failure::{Failure, FailureKind},
    graph::Located,
    journal::{Event, EventKind, Payload},
};

impl Machine {
    /// Delivers the next event. `false` when none is left.
    ///
    /// # Errors
    ///
    /// When the body has not asked for the event's operation, or asked for another kind.
    pub(super) fn deliver_next(&mut self) -> Result<bool, Nondeterminism> {
        if let Some(fault) = &self.fault {
            return Err(fault.clone());
        }
        let Some(event) = self.undelivered.pop_front() else {
            return Ok(false);
        };
        self.now = event.at;
        if let Some(step) = &event.step {
            let asked = self
                .find(step)
                .filter(|index| self.operations[index.0].ask.is_some());
            let Some(index) = asked else {
                return Err(self.not_asked(&event));
            };
            self.deliver(index, event)?;
        }
        self.delivered += 1;
        Ok(true)
    }

    fn deliver(&mut self, index: OperationIndex, event: Event) -> Result<(), Nondeterminism> {
        let ask = self.operations[index.0].ask.as_ref();
        let fits = match (&event.kind, ask) {
            (EventKind::TimerFired, Some(Ask::Sleep(_) | Ask::Signal { .. })) => true,
            (kind, Some(ask)) => noun_of(kind) == Some(ask.noun()),
            (_, None) => false,
        };
        if !fits {
            return Err(self.not_asked(&event));
        }
        match event.kind {
            EventKind::StepStarted { .. } => self.operations[index.0].running = true,
            EventKind::StepAttemptFailed { .. }
            | EventKind::StepCompleted { .. }
            | EventKind::StepFailed { .. }
            | EventKind::StepInterrupted { .. } => self.operations[index.0].running = false,
            _ => {}
        }
        // The body let go of it: recorded, and delivered to nobody.
        if self.operations[index.0].dropped {
            return Ok(());
        }
        self.deliver_kind(index, event)
    }

    fn deliver_kind(&mut self, index: OperationIndex, event: Event) -> Result<(), Nondeterminism> {
        match event.kind {
            EventKind::StepInterrupted { .. } if !self.operations[index.0].let_go => {
                return Err(self.not_asked(&event));
            }
            EventKind::StepInterrupted { .. } => {
                let failure = Failure::new(FailureKind::Canceled, "nobody waits for it any more");
                self.resolve(index, Err(failure));
            }
            EventKind::StepStarted { attempt } => {
                let own = self.delivered >= self.recorded;
                self.set_state(index, State::Started { attempt, own });
                self.fresh.push_back(index);
            }
            EventKind::StepCompleted { output } | EventKind::ChildCompleted { output } => {
                self.resolve(index, Ok(output));
            }
            EventKind::SignalReceived { payload } => {
                self.resolve(index, Ok(payload));
            }
            EventKind::StepFailed { failure } | EventKind::ChildFailed { failure } => {
                self.resolve(index, Err(failure));
            }
            EventKind::StepAttemptFailed {
                attempt, retry_at, ..
            } => {
                self.set_state(
                    index,
                    State::Backoff {
                        attempt: attempt + 1,
                        retry_at,
                    },
                );
                if self.operations[index.0].let_go {
                    self.operations[index.0].wake();
                }
            }
            EventKind::TimerArmed { due } => self.set_state(index, State::Armed { due }),
            EventKind::SignalAwaited { due } => self.set_state(index, State::Awaiting { due }),
            EventKind::TimerFired => {
                let resolution = self.fired(index);
                self.resolve(index, resolution);
            }
            EventKind::ChildStarted { .. } => self.set_state(index, State::ChildRunning),
            _ => {}
        }
        Ok(())
    }

    /// What a timer that fired means: the end of a sleep, or a signal that did not come in time.
    fn fired(&self, index: OperationIndex) -> super::Resolution {
        let operation = &self.operations[index.0];
        match operation.ask {
            Some(Ask::Signal { ref name, .. }) => {
                let message = format!("signal `{name}` did not come in time");
                Err(Failure::new(FailureKind::Timeout, message).at_step(&operation.id, 0))
            }
            _ => Ok(Payload::null()),
        }
    }

    /// Checks a recorded event against the graph, before any user code runs.
    pub(super) fn check_recorded(
        &self,
        position: u32,
        event: &Event,
    ) -> Result<(), Nondeterminism> {
        let Some(step) = &event.step else {
            return Ok(());
        };
        let graph = self.identity.blueprint.graph();
        let recorded = noun_of(&event.kind);
        let attempted = match graph.locate(step) {
            None => format!("no operation named `{}` in this build", step.path()),
            Some(Located { operation, .. }) => {
                let noun = operation.kind.noun();
                let timeout = noun == "signal" && event.kind == EventKind::TimerFired;
                if timeout || recorded.is_none_or(|recorded| recorded == noun) {
                    return Ok(());
                }
                format!("`{}` as a {noun}", operation.name)
            }
        };
        Err(Nondeterminism::not_asked(
            position,
            event,
            attempted,
            self.source_of(Some(step)),
        ))
    }

    fn not_asked(&self, event: &Event) -> Nondeterminism {
        let asked = self
            .operations
            .iter()
            .filter(|operation| operation.is_outstanding())
            .take(5)
            .filter_map(|operation| {
                operation
                    .ask
                    .as_ref()
                    .map(|ask| format!("{} `{}`", ask.noun(), operation.id))
            })
            .collect::<Vec<_>>();
        let attempted = match (asked.as_slice(), &self.body_result) {
            (_, Some(Ok(_))) => "to complete the run".to_owned(),
            (_, Some(Err(failure))) => format!("to fail the run: {failure}"),
            ([], None) => "nothing".to_owned(),
            (asked, None) => asked.join(", "),
        };
        let source = self.source_of(event.step.as_ref());
        Nondeterminism::not_asked(self.delivered, event, attempted, source)
    }

    /// What to say when the body awaits something that is not durable; `None` when it does not.
    pub(super) fn foreign_await(&self) -> Option<Nondeterminism> {
        let idle = self.outstanding == 0
            && self.undelivered.is_empty()
            && self.body_result.is_none()
            && self.ledger.cause.is_none();
        idle.then(|| {
            let last = self
                .operations
                .iter()
                .rfind(|operation| operation.state == State::Taken);
            let source = self.source_of(last.map(|operation| &operation.id));
            let after = last.map_or_else(String::new, |operation| {
                format!(", after `{}`", operation.id)
            });
            Nondeterminism::foreign_await(format!("{source}{after}"))
        })
    }

    /// What to say of user code that broke: a panic, or an input that does not decode.
    pub(super) fn broken(&self, what: &str) -> Nondeterminism {
        let last = self
            .operations
            .iter()
            .rfind(|operation| operation.state == State::Taken);
        let after = last.map_or_else(String::new, |operation| {
            format!(", after `{}`", operation.id)
        });
        let source = self.source_of(last.map(|operation| &operation.id));
        Nondeterminism::broken(what.to_owned(), format!("{source}{after}"))
    }
}

/// The kind of operation an event belongs to; `None` for events of the engine's own.
fn noun_of(kind: &EventKind) -> Option<&'static str> {
    match kind {
        EventKind::StepCompleted { .. }
        | EventKind::StepAttemptFailed { .. }
        | EventKind::StepFailed { .. }
        | EventKind::StepStarted { .. }
        | EventKind::StepInterrupted { .. } => Some("step"),
        EventKind::TimerArmed { .. } | EventKind::TimerFired => Some("sleep"),
        EventKind::SignalAwaited { .. } | EventKind::SignalReceived { .. } => Some("signal"),
        EventKind::ChildStarted { .. }
        | EventKind::ChildCompleted { .. }
        | EventKind::ChildFailed { .. }
        | EventKind::ChildCanceled => Some("child"),
        _ => None,
    }
}
