//! Steps.
//!
//! A step with a compensation records the start of each attempt, and its attempt is not dropped in the middle:
//! it is told, waited for within the grace, and what it came to is recorded. The end is an event like others: a
//! combinator that let go of the step gives its result when the end is delivered, live and on replay alike.

use std::{any::Any, collections::BTreeSet, task::Waker, time::Duration};

use super::{Begun, Place, Work};
use crate::{
    failure::{Failure, FailureKind},
    journal::{Event, EventKind, StepId, Timestamp},
    random::derive,
    replay::{
        Machine, OperationIndex, Resolution,
        operation::{Attempt, State},
    },
    retry::Retry,
};

/// To execute a body.
#[derive(Debug, Default)]
pub struct StepWork {
    /// Whether it has a compensation: the start of each attempt is recorded.
    compensated: bool,
    /// Whether the start of an attempt was delivered, and its end was not.
    running: bool,
    /// Whether the attempt in flight is made again, since a crash cut it off.
    repeated: bool,
    /// Whether nobody wants its result any more and only the end of its attempt is waited for.
    let_go: bool,
}

/// The answer to a step that is polled.
#[derive(Debug)]
pub enum StepPoll {
    /// Nothing to do yet.
    Wait,
    /// Start this attempt, from 1. Told once.
    Execute {
        /// Which attempt.
        attempt: u32,
    },
    /// Go on with the attempt that was started.
    Continue {
        /// Whether its body is to be told that nobody waits for it much longer.
        told: bool,
    },
    /// Give up the attempt: it took longer than its timeout.
    TimedOut,
    /// The result.
    Done(Resolution),
}

impl Work for StepWork {
    fn noun(&self) -> &'static str {
        "step"
    }

    fn ask(&mut self, place: &Place<'_>) {
        let blueprint = place.machine.identity.blueprint;
        self.compensated = blueprint.undo_rule(place.id()).is_some();
    }

    fn begin(&mut self, place: &mut Place<'_>) -> Begun {
        match place.state() {
            State::Asked | State::Attempt(Attempt::Started { .. }) => Begun::WhenDurable,
            _ => Begun::Done,
        }
    }

    /// A crash or a cancellation then finds that it may have had its effect.
    fn announce(&mut self, place: &mut Place<'_>) {
        if self.compensated && !self.let_go && place.is_new() {
            place.propose(EventKind::StepStarted { attempt: 1 });
        }
    }

    fn go_on(&mut self, place: &mut Place<'_>) -> bool {
        match *place.state() {
            _ if self.let_go => return false,
            State::Asked => let_start(place, 1),
            State::Attempt(Attempt::Started { attempt, own }) => {
                self.repeated = !own;
                let_start(place, attempt);
            }
            _ => return false,
        }
        true
    }

    fn fire(&mut self, place: &mut Place<'_>) {
        match *place.state() {
            State::Attempt(Attempt::Backoff { attempt, .. }) => {
                // Another attempt waits for durability, as the first one does.
                if !place.machine.is_durable() || place.machine.held {
                } else if self.compensated {
                    place.propose(EventKind::StepStarted { attempt });
                } else {
                    let_start(place, attempt);
                }
            }
            State::Attempt(Attempt::Executing { attempt, told, .. }) => {
                self.run_late(place, attempt, told);
            }
            _ => {}
        }
    }

    fn deliver(&mut self, place: &mut Place<'_>, event: EventKind) -> Result<(), EventKind> {
        self.pass(&event);
        match event {
            EventKind::StepStarted { attempt } => {
                let own = place.machine.delivered >= place.machine.recorded;
                place.set(State::Attempt(Attempt::Started { attempt, own }));
                place.machine.fresh.push_back(place.index);
            }
            EventKind::StepAttemptFailed {
                attempt, retry_at, ..
            } => {
                let attempt = attempt + 1;
                place.set(State::Attempt(Attempt::Backoff { attempt, retry_at }));
                if self.let_go {
                    place.wake();
                }
            }
            EventKind::StepCompleted { output } => place.resolve(Ok(output)),
            EventKind::StepFailed { failure } => place.resolve(Err(failure)),
            EventKind::StepInterrupted { .. } if self.let_go => {
                let failure = Failure::new(FailureKind::Canceled, "nobody waits for it any more");
                place.resolve(Err(failure));
            }
            other => return Err(other),
        }
        Ok(())
    }

    fn pass(&mut self, event: &EventKind) {
        self.running = matches!(event, EventKind::StepStarted { .. });
    }

    fn leaves_traces(&self, place: &Place<'_>) -> bool {
        place.machine.ledger.may_have_happened(place.id()).is_some()
    }

    /// An attempt in flight ends by itself, or with the grace.
    fn settle(&mut self, place: &mut Place<'_>) {
        if place.machine.operations[place.index].executing().is_none() {
            let id = place.id().clone();
            place.machine.interrupt(&id);
        }
    }
}

fn let_start(place: &mut Place<'_>, attempt: u32) {
    place.set(State::Attempt(Attempt::Ready { attempt }));
    place.wake();
}

impl StepWork {
    /// An attempt has reached its deadline. One that may have to be undone is told, and has the grace to
    /// end; any other has had its time.
    fn run_late(&self, place: &mut Place<'_>, attempt: u32, told: bool) {
        let grace = place.machine.limits.cancel_grace;
        if self.running && !told && !grace.is_zero() {
            let deadline = place.wall().after(grace);
            tell(place, attempt, deadline);
        } else {
            place.set(State::Attempt(Attempt::Expired { attempt }));
        }
        place.wake();
    }

    fn let_go(&mut self, place: &mut Place<'_>) {
        if std::mem::replace(&mut self.let_go, true) {
            return;
        }
        place.machine.abandoned.push(place.index);
        if let State::Attempt(Attempt::Executing {
            attempt, deadline, ..
        }) = *place.state()
        {
            let grace = place.wall().after(place.machine.limits.cancel_grace);
            let deadline = deadline.map_or(grace, |deadline| deadline.min(grace));
            tell(place, attempt, deadline);
        }
    }

    /// What an attempt came to that has ended; `expired`: it was given up.
    fn judge(
        &self,
        place: &Place<'_>,
        result: Resolution,
        (attempt, expired): (u32, bool),
        retry: &Retry,
    ) -> EventKind {
        let failure = match result.and_then(|output| place.machine.check_size(output)) {
            Ok(output) => return EventKind::StepCompleted { output },
            Err(_) if self.let_go && expired => return EventKind::StepInterrupted { attempt },
            Err(failure) => failure,
        };
        let salt = derive(place.machine.identity.seed, place.id().as_str());
        // A run that is being canceled makes no further attempts.
        let is_wanted = !self.let_go && place.machine.ledger.cause.is_none();
        let delay = is_wanted.then(|| retry.next_delay(attempt, &failure, salt));
        let failure = failure.at_step(place.id(), attempt);
        match delay.flatten() {
            Some(delay) => EventKind::StepAttemptFailed {
                attempt,
                failure,
                retry_at: place.wall().after(delay),
            },
            None => EventKind::StepFailed { failure },
        }
    }

    fn end(&mut self, place: &mut Place<'_>, result: Resolution, retry: &Retry) {
        let (attempt, expired) = match *place.state() {
            State::Attempt(Attempt::Executing { attempt, .. }) => (attempt, false),
            State::Attempt(Attempt::Expired { attempt }) => (attempt, true),
            _ => return,
        };
        let event = self.judge(place, result, (attempt, expired), retry);
        let repeated = std::mem::take(&mut self.repeated);
        if repeated && !matches!(event, EventKind::StepCompleted { .. }) {
            // It says nothing of the attempt that it repeats, which a crash cut off.
            place.propose(EventKind::StepStarted { attempt });
        }
        place.propose(event);
    }
}

fn tell(place: &mut Place<'_>, attempt: u32, deadline: Timestamp) {
    place.set(State::Attempt(Attempt::Executing {
        attempt,
        deadline: Some(deadline),
        told: true,
    }));
}

/// What the body asks of its steps.
impl Machine {
    /// Asks what a step is to do. The deadline of an attempt is `timeout` from its start.
    pub fn poll_step(
        &mut self,
        index: OperationIndex,
        waker: &Waker,
        timeout: Option<Duration>,
    ) -> StepPoll {
        if *self.operations[index].state() == State::Built {
            self.ask(index, Box::<StepWork>::default());
        }
        if let Some(resolution) = self.operations.take(index) {
            return StepPoll::Done(resolution);
        }
        self.operations.wake_by(index, waker);
        match *self.operations[index].state() {
            // A run that is being rolled back begins nothing.
            State::Attempt(Attempt::Ready { attempt }) if self.ledger.cause.is_none() => {
                let executing = Attempt::Executing {
                    attempt,
                    deadline: timeout.map(|timeout| self.wall.after(timeout)),
                    told: false,
                };
                self.operations.set(index, State::Attempt(executing));
                StepPoll::Execute { attempt }
            }
            _ => self.poll_attempt(index),
        }
    }

    /// What to do with an attempt that was started.
    fn poll_attempt(&self, index: OperationIndex) -> StepPoll {
        match *self.operations[index].state() {
            State::Attempt(Attempt::Executing { told, .. }) => StepPoll::Continue { told },
            State::Attempt(Attempt::Expired { .. }) => StepPoll::TimedOut,
            _ => StepPoll::Wait,
        }
    }

    /// Tells how an attempt ended. The event is proposed; the step resolves when it is delivered.
    pub fn handle_attempt(&mut self, index: OperationIndex, result: Resolution, retry: &Retry) {
        self.with_step(index, |step, place| step.end(place, result, retry));
    }

    /// Lets go of a step that is polled for the sake of its attempt alone. `None`: nothing of it runs, and
    /// it may be dropped. Otherwise what to do with the attempt.
    pub fn let_go(&mut self, index: OperationIndex, waker: &Waker) -> Option<StepPoll> {
        let let_go = |step: &mut StepWork, place: &mut Place<'_>| {
            if step.running {
                step.let_go(place);
            }
            step.running
        };
        if self.with_step(index, let_go) != Some(true) {
            self.drop_operation(index);
            return None;
        }
        self.operations.wake_by(index, waker);
        Some(self.poll_attempt(index))
    }

    fn with_step<R>(
        &mut self,
        index: OperationIndex,
        act: impl FnOnce(&mut StepWork, &mut Place<'_>) -> R,
    ) -> Option<R> {
        let step = |work: &mut dyn Work, place: &mut Place<'_>| {
            let step = (work as &mut dyn Any).downcast_mut()?;
            Some(act(step, place))
        };
        self.with(index, step).flatten()
    }
}

/// What the rest of the core asks of all steps at once.
impl Machine {
    /// The steps with an attempt in flight, and which attempt.
    pub fn attempts(&self) -> Vec<(StepId, u32)> {
        let all = self.operations.iter();
        all.filter_map(|operation| Some((operation.id.clone(), operation.executing()?)))
            .collect()
    }

    /// What each attempt in flight is woken by.
    pub fn attempt_wakers(&self) -> impl Iterator<Item = &Waker> {
        let all = self.operations.iter();
        let executing = all.filter(|operation| operation.executing().is_some());
        executing.filter_map(|operation| operation.waker())
    }

    /// Whether an attempt is in flight that may have to be undone.
    pub(in crate::replay) fn executes_compensated(&self) -> bool {
        let all = self.operations.iter();
        let mut executing = all.filter(|operation| operation.executing().is_some());
        executing.any(|operation| {
            let work = operation.work.as_deref();
            let step = work.and_then(|work| (work as &dyn Any).downcast_ref::<StepWork>());
            step.is_some_and(|step| step.running)
        })
    }

    /// Records the end of a step that has none, and of which nothing runs: what an attempt did that began
    /// is unknown, and one that did not begin did nothing.
    fn interrupt(&mut self, id: &StepId) {
        let Some(attempt) = self.ledger.may_have_happened(id) else {
            return;
        };
        let index = self.operations.find(id);
        let state = index.map(|index| self.operations[index].state());
        let never_began = matches!(
            state,
            Some(State::Attempt(
                Attempt::Started { own: true, .. } | Attempt::Ready { .. }
            ))
        );
        let event = if never_began {
            let failure = Failure::new(FailureKind::Canceled, "canceled before it began");
            EventKind::StepFailed {
                failure: failure.at_step(id, attempt),
            }
        } else {
            EventKind::StepInterrupted { attempt }
        };
        if let Some(index) = index {
            self.operations.set(index, State::Proposed);
        }
        self.propose(Some(id.clone()), event);
    }

    /// Records the end of every step that has none, when a rollback begins and no body runs any more.
    pub(in crate::replay) fn interrupt_all(&mut self) {
        for id in self.ledger.unsettled() {
            self.interrupt(&id);
        }
    }

    /// Takes back the starts that are not written yet, of a run that does not go on here: an attempt
    /// begins only after its start is durable, so these have not begun.
    pub(in crate::replay) fn retract_starts(&mut self) {
        let mut followed = BTreeSet::new();
        let mut kept: Vec<Event> = std::mem::take(&mut self.uncommitted)
            .into_iter()
            .rev()
            .filter(|event| {
                let is_last = followed.insert(event.step.clone());
                !(is_last && matches!(event.kind, EventKind::StepStarted { .. }))
            })
            .collect();
        kept.reverse();
        self.uncommitted = kept;
    }
}
