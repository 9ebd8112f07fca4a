//! What the machine asks of an operation, whatever it is.

use std::{any::Any, fmt};

use crate::{
    journal::{EventKind, Payload, StepId, Timestamp},
    replay::{
        Machine, OperationIndex, Resolution,
        operation::{Operation, State},
    },
};

/// What an operation does. The machine calls each of these where it says, and in no other case.
///
/// While one of these runs, the operation is not found in the machine: it is `self`.
pub trait Work: Any + fmt::Debug + Send {
    /// The noun of its kind: the word in the graph's row of the kind, and in the rows of the events that are
    /// its own.
    fn noun(&self) -> &'static str;

    /// The body has asked for it just now: nothing may be proposed yet.
    fn ask(&mut self, place: &Place<'_>) {
        let _ = place;
    }

    /// The body is quiet and everything that is recorded has been delivered: proposes what comes first,
    /// if nothing of the operation is recorded.
    fn begin(&mut self, place: &mut Place<'_>) -> Begun;

    /// What it waits for by name has not come ([`Begun::UnlessMailIsThere`]): proposes that it waits.
    fn wait(&mut self, place: &mut Place<'_>) {
        let _ = place;
    }

    /// What it waits for by name has come.
    fn receive(&mut self, place: &mut Place<'_>, payload: Payload) {
        let _ = (place, payload);
    }

    /// Nothing else is to be proposed ([`Begun::WhenDurable`]): proposes what must be durable before it
    /// goes on.
    fn announce(&mut self, place: &mut Place<'_>) {
        let _ = place;
    }

    /// Every event is durable ([`Begun::WhenDurable`]): goes on. `true` when the body is to be polled.
    fn go_on(&mut self, place: &mut Place<'_>) -> bool {
        let _ = place;
        false
    }

    /// The time that it waits for has come.
    fn fire(&mut self, place: &mut Place<'_>) {
        let _ = place;
    }

    /// Takes in one of its own events.
    ///
    /// # Errors
    ///
    /// The event, when the body did not ask for what it says.
    fn deliver(&mut self, place: &mut Place<'_>, event: EventKind) -> Result<(), EventKind>;

    /// Takes note of one of its own events, though nobody waits for it any more.
    fn pass(&mut self, event: &EventKind) {
        let _ = event;
    }

    /// Whether something is to be recorded when nobody waits for it any more.
    fn leaves_traces(&self, place: &Place<'_>) -> bool {
        let _ = place;
        false
    }

    /// Nobody waits for it any more, and it leaves traces: proposes what becomes of it.
    fn settle(&mut self, place: &mut Place<'_>) {
        let _ = place;
    }
}

/// How an operation has begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Begun {
    /// There is nothing more to be done before an event of it is delivered.
    Done,
    /// It waits by name for mail that is there; which goes to whoever asked first.
    UnlessMailIsThere,
    /// It goes on when every event is durable.
    WhenDurable,
}

/// The place of an operation in its machine.
#[derive(Debug)]
pub struct Place<'m> {
    pub(super) machine: &'m mut Machine,
    pub(super) index: OperationIndex,
}

impl Place<'_> {
    fn operation(&self) -> &Operation {
        &self.machine.operations[self.index]
    }

    pub(super) fn id(&self) -> &StepId {
        &self.operation().id
    }

    pub(super) fn state(&self) -> &State {
        self.operation().state()
    }

    /// Whether nothing of it has been delivered.
    pub(super) fn is_new(&self) -> bool {
        *self.state() == State::Asked
    }

    pub(super) fn wall(&self) -> Timestamp {
        self.machine.wall
    }

    pub(super) fn set(&mut self, state: State) {
        self.machine.operations.set(self.index, state);
    }

    pub(super) fn resolve(&mut self, resolution: Resolution) {
        self.machine.operations.resolve(self.index, resolution);
    }

    pub(super) fn wake(&mut self) {
        self.machine.operations.wake(self.index);
    }

    /// Proposes an event of it, from which on it waits for that to be delivered.
    pub(super) fn propose(&mut self, event: EventKind) {
        self.set(State::Proposed);
        self.note(event);
    }

    /// Proposes an event of it that changes nothing before it is delivered.
    pub(super) fn note(&mut self, event: EventKind) {
        let id = self.id().clone();
        self.machine.propose(Some(id), event);
    }
}

impl Machine {
    /// Has an operation do something; `None` when the body has not asked for it.
    pub(in crate::replay) fn with<R>(
        &mut self,
        index: OperationIndex,
        act: impl FnOnce(&mut dyn Work, &mut Place<'_>) -> R,
    ) -> Option<R> {
        let mut work = self.operations.work(index).take()?;
        let mut place = Place {
            machine: self,
            index,
        };
        let done = act(&mut *work, &mut place);
        *self.operations.work(index) = Some(work);
        Some(done)
    }
}
