//! One operation of a body, and all of them: where each stands, and what is counted of them.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Index,
    task::Waker,
};

use super::operations::Work;
use crate::{
    failure::Failure,
    journal::{Payload, StepId, Timestamp},
};

/// Which operation of a run; given out in the order in which operations are built.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct OperationIndex(usize);

/// What an operation came to: a value, or why there is none.
pub type Resolution = Result<Payload, Failure>;

/// An operation, as far as it is like any other.
#[derive(Debug)]
pub(super) struct Operation {
    pub(super) id: StepId,
    /// What it does; `None` until the body asks for it.
    pub(super) work: Option<Box<dyn Work>>,
    state: State,
    waker: Option<Waker>,
    /// Whether the body let go of it before it was resolved.
    dropped: bool,
}

/// Where an operation stands.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum State {
    /// Built; the body has not awaited it.
    Built,
    /// Awaited; nothing of it has been delivered.
    Asked,
    /// Its next event is proposed, and not yet delivered.
    Proposed,
    /// It waits for a time, or for something from outside that may come at any moment.
    Waiting {
        until: Option<Timestamp>,
        from_outside: bool,
    },
    /// It executes user code.
    Attempt(Attempt),
    /// Delivered; the body has not taken it.
    Resolved(Resolution),
    /// Taken by the body.
    Taken,
}

/// Where an operation stands that executes user code.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Attempt {
    /// The start of an attempt is recorded. `own`: by this machine, so that the attempt has not begun.
    Started { attempt: u32, own: bool },
    /// The next attempt may start.
    Ready { attempt: u32 },
    /// An attempt runs, and until when it may. `told`: its body knows that it is to end.
    Executing {
        attempt: u32,
        deadline: Option<Timestamp>,
        told: bool,
    },
    /// The attempt has run past its deadline.
    Expired { attempt: u32 },
    /// Between two attempts.
    Backoff { attempt: u32, retry_at: Timestamp },
}

impl Operation {
    pub(super) fn state(&self) -> &State {
        &self.state
    }

    pub(super) fn is_dropped(&self) -> bool {
        self.dropped
    }

    pub(super) fn waker(&self) -> Option<&Waker> {
        self.waker.as_ref()
    }

    /// Whether the body awaits it and it is not resolved.
    pub(super) fn is_outstanding(&self) -> bool {
        !self.dropped && !matches!(self.state, State::Built | State::Resolved(_) | State::Taken)
    }

    /// When it needs attention next, if a time is known.
    fn due(&self) -> Option<Timestamp> {
        match self.state {
            _ if self.dropped => None,
            State::Waiting { until, .. } => until,
            State::Attempt(Attempt::Backoff { retry_at, .. }) => Some(retry_at),
            State::Attempt(Attempt::Executing { deadline, .. }) => deadline,
            _ => None,
        }
    }

    /// Whether the engine works for it: not merely waiting for time, or for something from outside.
    fn is_busy(&self) -> bool {
        let waits = matches!(
            self.state,
            State::Waiting { .. } | State::Attempt(Attempt::Backoff { .. })
        );
        self.is_outstanding() && !waits
    }

    fn awaits_mail(&self) -> bool {
        let from_outside = matches!(
            self.state,
            State::Waiting {
                from_outside: true,
                ..
            }
        );
        !self.dropped && from_outside
    }

    /// The attempt of it that is in flight.
    pub(super) fn executing(&self) -> Option<u32> {
        match self.state {
            State::Attempt(Attempt::Executing { attempt, .. } | Attempt::Expired { attempt })
                if !self.dropped =>
            {
                Some(attempt)
            }
            _ => None,
        }
    }
}

/// What is counted of all operations.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Counts {
    /// The body awaits them.
    pub(super) outstanding: usize,
    /// The engine works for them.
    pub(super) busy: usize,
    /// User code of them is in flight.
    pub(super) executing: usize,
    /// They wait for what may come at any moment.
    pub(super) awaiting_mail: usize,
}

impl Counts {
    fn add(&mut self, operation: &Operation) {
        self.outstanding += usize::from(operation.is_outstanding());
        self.busy += usize::from(operation.is_busy());
        self.executing += usize::from(operation.executing().is_some());
        self.awaiting_mail += usize::from(operation.awaits_mail());
    }

    fn remove(&mut self, operation: &Operation) {
        self.outstanding -= usize::from(operation.is_outstanding());
        self.busy -= usize::from(operation.is_busy());
        self.executing -= usize::from(operation.executing().is_some());
        self.awaiting_mail -= usize::from(operation.awaits_mail());
    }
}

/// The operations that a body has built.
#[derive(Debug, Default)]
pub(super) struct Operations {
    all: Vec<Operation>,
    index: BTreeMap<StepId, OperationIndex>,
    occurrences: BTreeMap<StepId, u32>,
    timers: BTreeSet<(Timestamp, OperationIndex)>,
    counts: Counts,
}

impl Index<OperationIndex> for Operations {
    type Output = Operation;

    fn index(&self, index: OperationIndex) -> &Operation {
        &self.all[index.0]
    }
}

impl Operations {
    /// Fixes the identity of an operation that is built now.
    pub(super) fn build(&mut self, scope: &str, name: &'static str) -> OperationIndex {
        let id = self.enter(scope, name);
        let index = OperationIndex(self.all.len());
        self.all.push(Operation {
            id: id.clone(),
            work: None,
            state: State::Built,
            waker: None,
            dropped: false,
        });
        self.index.insert(id, index);
        index
    }

    /// Fixes the identity of what begins now: an operation, or the scope of a fragment.
    pub(super) fn enter(&mut self, scope: &str, name: &'static str) -> StepId {
        let first = StepId::new(scope, name, 0);
        let occurrence = self.occurrences.entry(first).or_insert(0);
        let id = StepId::new(scope, name, *occurrence);
        *occurrence += 1;
        id
    }

    pub(super) fn find(&self, id: &StepId) -> Option<OperationIndex> {
        self.index.get(id).copied()
    }

    pub(super) fn iter(&self) -> impl DoubleEndedIterator<Item = &Operation> + ExactSizeIterator {
        self.all.iter()
    }

    pub(super) fn counts(&self) -> Counts {
        self.counts
    }

    /// When operations need attention, in order.
    pub(super) fn timers(&self) -> impl Iterator<Item = Timestamp> {
        self.timers.iter().map(|(due, _)| *due)
    }

    /// The operations whose time has come.
    pub(super) fn due(&self, now: Timestamp) -> Vec<OperationIndex> {
        let last = (now, OperationIndex(usize::MAX));
        self.timers
            .range(..=last)
            .map(|(_, index)| *index)
            .collect()
    }

    /// What an operation does; it is taken out while it does it.
    pub(super) fn work(&mut self, index: OperationIndex) -> &mut Option<Box<dyn Work>> {
        &mut self.all[index.0].work
    }

    /// Changes where an operation stands, and with it everything that is counted.
    pub(super) fn set(&mut self, index: OperationIndex, state: State) {
        let operation = &mut self.all[index.0];
        self.counts.remove(operation);
        let before = operation.due();
        operation.state = state;
        self.counts.add(operation);
        let after = operation.due();
        if before != after {
            before.map(|due| self.timers.remove(&(due, index)));
            after.map(|due| self.timers.insert((due, index)));
        }
    }

    /// Has it wait for what it came to be taken, and wakes whoever does.
    pub(super) fn resolve(&mut self, index: OperationIndex, resolution: Resolution) {
        self.set(index, State::Resolved(resolution));
        self.wake(index);
    }

    /// Takes what an operation came to.
    pub(super) fn take(&mut self, index: OperationIndex) -> Option<Resolution> {
        let state = &mut self.all[index.0].state;
        if !matches!(state, State::Resolved(_)) {
            return None;
        }
        match std::mem::replace(state, State::Taken) {
            State::Resolved(resolution) => Some(resolution),
            _ => None,
        }
    }

    /// Notes that nobody waits for it any more.
    pub(super) fn note_dropped(&mut self, index: OperationIndex) {
        let operation = &mut self.all[index.0];
        self.counts.remove(operation);
        if let Some(due) = operation.due() {
            self.timers.remove(&(due, index));
        }
        operation.dropped = true;
        operation.waker = None;
    }

    /// Each operation, and which one it is.
    #[cfg(debug_assertions)]
    pub(super) fn indexed(&self) -> impl Iterator<Item = (OperationIndex, &Operation)> {
        let all = self.all.iter().enumerate();
        all.map(|(position, operation)| (OperationIndex(position), operation))
    }

    /// Compares what is counted and looked up with the operations themselves.
    #[cfg(debug_assertions)]
    pub(super) fn recount(&self) {
        let mut counts = Counts::default();
        let mut timers = BTreeSet::new();
        for (index, operation) in self.indexed() {
            counts.add(operation);
            timers.extend(operation.due().map(|due| (due, index)));
            let found = self.find(&operation.id);
            assert_eq!(found, Some(index), "`{}` is looked up", operation.id);
        }
        assert_eq!(self.index.len(), self.all.len(), "identities");
        assert_eq!(self.counts, counts, "what is counted of operations");
        assert_eq!(self.timers, timers, "timers");
    }

    pub(super) fn wake(&mut self, index: OperationIndex) {
        if let Some(waker) = self.all[index.0].waker.take() {
            waker.wake();
        }
    }

    /// Whom to wake when it goes on.
    pub(super) fn wake_by(&mut self, index: OperationIndex, waker: &Waker) {
        match &mut self.all[index.0].waker {
            Some(known) => known.clone_from(waker),
            unknown => *unknown = Some(waker.clone()),
        }
    }
}
