//! The frontier: when all recorded events are delivered and the body is quiet, what it asked for is
//! proposed, and what came from outside is taken in.

use std::{borrow::Cow, time::Duration};

use super::{
    Machine,
    operation::{Ask, Due, OperationIndex, State},
};
use crate::{
    failure::{Failure, FailureKind},
    journal::{EventKind, MailId, RunId, Timestamp},
    random::derive,
    record::{ChildOutcome, Mail, MailKind, MailTarget, NewMail, NewRun, Parent},
};

impl Machine {
    /// Takes mail in. It has effect at the frontier; mail that was handed in before is ignored.
    pub(super) fn handle_mail(&mut self, mail: Mail) {
        if self.known.insert(mail.id) {
            self.mail.push_back(mail);
        }
    }

    /// Goes on at the frontier. `true` when an operation was moved and the body is to be polled, or
    /// an event is to be delivered.
    pub(super) fn settle(&mut self) -> bool {
        // Mail that comes after the end is for nobody; the commit of the end removes it.
        if !self.undelivered.is_empty() || self.ledger.ended {
            return false;
        }
        self.came_to_rest = false;
        self.take_mail();
        if self.ledger.cause.is_some() {
            return false;
        }
        self.match_signal();
        // A signal that has come in time is not late because nobody looked.
        if self.undelivered.is_empty() {
            self.fire_timers();
        }
        self.propose_fresh();
        self.settle_abandoned();
        if self.undelivered.is_empty() {
            if self.body_result.is_some() {
                self.finish();
                return false;
            }
            return self.release_steps();
        }
        true
    }

    /// Whether every event so far is durable, so that step bodies may start.
    pub(super) fn is_durable(&self) -> bool {
        self.uncommitted.is_empty() && !self.committing
    }

    /// Mail was addressed by the names that operations had when it was sent.
    fn take_mail(&mut self) {
        let graph = self.identity.blueprint.graph();
        let mut early = std::collections::VecDeque::new();
        while let Some(Mail { id, kind }) = self.mail.pop_front() {
            match kind {
                MailKind::Signal { name, payload } => {
                    let name = graph.present_signal(name);
                    self.signals.entry(name).or_default().insert(id, payload);
                }
                MailKind::Child { step, outcome } => {
                    self.take_child(id, graph.present(step), outcome);
                }
                MailKind::Cancel => self.take_cancel(id),
                // The body has ended, and nothing is decided yet: a rollback may follow.
                MailKind::AbandonRollback
                    if self.ledger.cause.is_none() && self.body_result.is_some() =>
                {
                    early.push_back(Mail { id, kind });
                }
                MailKind::AbandonRollback => {
                    self.take_cancel(id);
                    if !self.ledger.abandoned {
                        self.propose(None, EventKind::RollbackAbandoned);
                    }
                }
            }
        }
        self.mail = early;
    }

    fn take_cancel(&mut self, id: MailId) {
        self.consumed.push(id);
        if self.ledger.cause.is_none() && self.body_result.is_none() {
            self.propose(None, EventKind::CancelRequested);
        }
    }

    fn take_child(&mut self, id: MailId, step: crate::journal::StepId, outcome: ChildOutcome) {
        self.consumed.push(id);
        // A second copy of the same result finds the child gone.
        if !self.ledger.children.contains_key(&step) {
            return;
        }
        let kind = match outcome {
            Ok(output) => EventKind::ChildCompleted { output },
            Err(failure) => EventKind::ChildFailed {
                failure: failure.at_step(&step, 0),
            },
        };
        self.propose(Some(step), kind);
    }

    /// Hands the signal that came first, of those that are waited for, to the wait that was asked for
    /// first. Only one, and only to a body that knows everything before it: what the body does next
    /// may be to let go of the other waits, and a signal to a wait that nobody holds would be lost.
    fn match_signal(&mut self) {
        if !self.undelivered.is_empty() {
            return;
        }
        let names: Vec<_> = self.waiting_for.keys().cloned().collect();
        let mut first: Option<(MailId, OperationIndex, Cow<'static, str>)> = None;
        for name in names {
            let signals = self.signals.get(&*name);
            let Some(mail) = signals.and_then(|s| s.keys().next().copied()) else {
                continue;
            };
            let is_earlier = first.as_ref().is_none_or(|(other, ..)| mail < *other);
            if let Some(index) = self.next_waiter(&name).filter(|_| is_earlier) {
                first = Some((mail, index, name));
            }
        }
        let Some((mail, index, name)) = first else {
            return;
        };
        let Some(payload) = self.signals.get_mut(&*name).and_then(|s| s.remove(&mail)) else {
            return;
        };
        self.waiting_for
            .get_mut(&name)
            .map(std::collections::VecDeque::pop_front);
        self.consumed.push(mail);
        let step = self.operations[index.0].id.clone();
        self.set_state(index, State::Proposed);
        self.propose(Some(step), EventKind::SignalReceived { payload });
    }

    /// The first wait for a signal that is still outstanding.
    fn next_waiter(&mut self, name: &str) -> Option<OperationIndex> {
        let waiters = self.waiting_for.get_mut(name)?;
        while let Some(index) = waiters.front().copied() {
            if matches!(
                self.operations[index.0].state,
                State::Awaiting { .. } | State::Asked
            ) && !self.operations[index.0].dropped
            {
                return Some(index);
            }
            waiters.pop_front();
        }
        self.waiting_for.remove(name);
        None
    }

    /// Proposes the firing of every timer that is due. Steps in backoff wait for durability.
    fn fire_timers(&mut self) {
        let due: Vec<_> = self
            .timers
            .range(..=(self.wall, OperationIndex(usize::MAX)))
            .map(|(_, index)| *index)
            .collect();
        for index in due {
            match self.operations[index.0].state {
                State::Armed { .. } | State::Awaiting { .. } => {
                    let step = self.operations[index.0].id.clone();
                    self.set_state(index, State::Proposed);
                    self.propose(Some(step), EventKind::TimerFired);
                }
                State::Backoff { attempt, .. } if self.is_durable() && !self.held => {
                    if self.operations[index.0].compensated {
                        self.record_start(index, attempt);
                    } else {
                        self.let_start(index, attempt);
                    }
                }
                State::Executing { attempt, told, .. } => self.run_late(index, attempt, told),
                _ => {}
            }
        }
    }

    /// Proposes the first event of every wait that was asked for and of which nothing is recorded.
    fn propose_fresh(&mut self) {
        let mut steps = std::collections::VecDeque::new();
        while let Some(index) = self.fresh.pop_front() {
            let operation = &self.operations[index.0];
            if operation.dropped {
                continue;
            }
            let asked = operation.state == State::Asked;
            match operation.ask.clone() {
                Some(Ask::Signal { name, timeout }) => {
                    // A wait that is already recorded still has to find its signal.
                    if matches!(operation.state, State::Asked | State::Awaiting { .. }) {
                        self.await_signal(index, name, timeout, asked);
                    }
                }
                Some(Ask::Step) if asked || matches!(operation.state, State::Started { .. }) => {
                    steps.push_back(index);
                }
                _ if !asked => {}
                Some(Ask::Step) => {}
                Some(Ask::Sleep(due)) => self.arm(index, due),
                Some(Ask::Child { workflow, input }) => self.start_child(index, workflow, input),
                None => {}
            }
        }
        self.fresh = steps;
        self.match_signal();
        if self.undelivered.is_empty() {
            self.record_waits();
        }
    }

    /// Records the waits whose signals went to others after all.
    fn record_waits(&mut self) {
        for (index, timeout) in std::mem::take(&mut self.unrecorded_waits) {
            let operation = &self.operations[index.0];
            if operation.state == State::Asked && !operation.dropped {
                self.record_wait(index, timeout);
            }
        }
    }

    fn record_wait(&mut self, index: OperationIndex, timeout: Option<Duration>) {
        let due = timeout.map(|timeout| self.wall.after(timeout));
        let step = self.operations[index.0].id.clone();
        self.propose(Some(step), EventKind::SignalAwaited { due });
    }

    fn arm(&mut self, index: OperationIndex, due: Due) {
        let due = match due {
            Due::After(duration) => self.wall.after(duration),
            Due::At(at) => at,
        };
        let step = self.operations[index.0].id.clone();
        self.set_state(index, State::Proposed);
        self.propose(Some(step), EventKind::TimerArmed { due });
    }

    fn await_signal(
        &mut self,
        index: OperationIndex,
        name: Cow<'static, str>,
        timeout: Option<Duration>,
        asked: bool,
    ) {
        let has_come = self.signals.get(&*name).is_some_and(|s| !s.is_empty());
        self.waiting_for.entry(name).or_default().push_back(index);
        if !asked {
            return;
        }
        // A signal that is there is taken without a record of the wait.
        if has_come {
            self.unrecorded_waits.push((index, timeout));
        } else {
            self.record_wait(index, timeout);
        }
    }

    fn start_child(
        &mut self,
        index: OperationIndex,
        workflow: &'static str,
        input: super::Resolution,
    ) {
        let step = self.operations[index.0].id.clone();
        let child = self.identity.id.child(&step);
        self.set_state(index, State::Proposed);
        let is_too_deep = child.as_str().len() > RunId::CHILD_MAX_LEN;
        let input = match input.and_then(|input| self.check_size(input)) {
            Ok(input) if !is_too_deep => input,
            refused => {
                let failure = refused.err().unwrap_or_else(|| too_deep(&child));
                let failure = failure.at_step(&step, 0);
                return self.propose(Some(step), EventKind::ChildFailed { failure });
            }
        };
        self.children.push(NewRun {
            id: child.clone(),
            workflow: workflow.to_owned(),
            input,
            seed: derive(self.identity.seed, step.as_str()),
            at: self.wall,
            parent: Some(Parent {
                run: self.identity.run,
                step: step.clone(),
            }),
            owner: Some(self.identity.worker),
        });
        self.propose(Some(step), EventKind::ChildStarted { child });
    }

    /// Records what becomes of operations that nobody waits for any more: children are asked to cancel,
    /// and of steps it is said that their outcome is unknown.
    fn settle_abandoned(&mut self) {
        for index in std::mem::take(&mut self.abandoned) {
            let operation = &self.operations[index.0];
            let step = operation.id.clone();
            match operation.ask {
                // Its attempt ends by itself, or with the grace.
                Some(Ask::Step) if operation.is_executing() => {}
                Some(Ask::Step) => self.interrupt(&step),
                _ => self.cancel_child(&step),
            }
        }
    }

    /// Asks a child to cancel, once.
    pub(super) fn cancel_child(&mut self, step: &crate::journal::StepId) {
        let Some(child) = self.ledger.children.get(step) else {
            return;
        };
        if child.canceled {
            return;
        }
        self.outgoing.push(NewMail {
            to: MailTarget::Id(child.id.clone()),
            kind: MailKind::Cancel,
            at: self.wall,
        });
        self.propose(Some(step.clone()), EventKind::ChildCanceled);
    }

    /// Lets steps that were asked for start, once everything before them is durable. `true` when one may,
    /// or when the start of one is to be delivered.
    fn release_steps(&mut self) -> bool {
        if self.held {
            return false;
        }
        self.record_starts();
        if !self.undelivered.is_empty() {
            return true;
        }
        if !self.is_durable() {
            return false;
        }
        let mut moved = false;
        for index in std::mem::take(&mut self.fresh) {
            let operation = &self.operations[index.0];
            match operation.state {
                _ if operation.dropped || operation.let_go => {}
                State::Asked => {
                    self.let_start(index, 1);
                    moved = true;
                }
                State::Started { attempt, own } => {
                    self.operations[index.0].repeated = !own;
                    self.let_start(index, attempt);
                    moved = true;
                }
                _ => {}
            }
        }
        moved
    }

    /// Records the starts of steps that have a compensation, before they begin: a crash or a cancellation
    /// then finds that they may have had their effect.
    fn record_starts(&mut self) {
        for position in 0..self.fresh.len() {
            let index = self.fresh[position];
            let operation = &self.operations[index.0];
            match operation.state {
                _ if operation.dropped || operation.let_go => {}
                State::Asked if operation.compensated => self.record_start(index, 1),
                _ => {}
            }
        }
    }

    fn record_start(&mut self, index: OperationIndex, attempt: u32) {
        let step = self.operations[index.0].id.clone();
        self.set_state(index, State::Proposed);
        self.propose(Some(step), EventKind::StepStarted { attempt });
    }

    fn let_start(&mut self, index: OperationIndex, attempt: u32) {
        self.set_state(index, State::Ready { attempt });
        self.operations[index.0].wake();
    }

    /// When the run needs attention next, if it only waits for time. The timers of a body that does not
    /// run again are over.
    pub(super) fn next_due(&self) -> Option<Timestamp> {
        let runs_on = self.ledger.cause.is_none();
        self.timers.first().map(|(due, _)| *due).filter(|_| runs_on)
    }
}

/// Why a child is not started: each level of children and of scopes adds to its id.
fn too_deep(child: &RunId) -> Failure {
    let (bytes, most) = (child.as_str().len(), RunId::CHILD_MAX_LEN);
    let message = format!(
        "the child's id, made of its parent's and the names of the scopes and steps on the way, would have \
         {bytes} bytes and the limit is {most}; nest fewer levels, use shorter names, or start a run of \
         its own with `Client::start` in a step"
    );
    Failure::new(FailureKind::Limit, message).permanent()
}
