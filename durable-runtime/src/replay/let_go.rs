//! Steps whose effect may have to be undone, when nobody waits for their result any more.
//!
//! An attempt of a step with a compensation is not dropped in the middle: it is told, waited for within
//! the grace, and what it came to is recorded. The end is an event like others: a combinator that let go
//! of the step gives its result when the end is delivered, live and on replay alike.

use std::collections::BTreeSet;

use super::{
    Machine,
    operation::{OperationIndex, State, StepPoll},
};
use crate::{
    failure::{Failure, FailureKind},
    journal::{EventKind, StepId},
};

impl Machine {
    /// Lets go of a step that is polled for the sake of its attempt alone. `None`: nothing of it runs, and
    /// it may be dropped. Otherwise what to do with the attempt.
    pub fn let_go(&mut self, index: OperationIndex, waker: &std::task::Waker) -> Option<StepPoll> {
        if !self.operations[index.0].running {
            self.drop_operation(index);
            return None;
        }
        if !self.operations[index.0].let_go {
            self.operations[index.0].let_go = true;
            self.abandoned.push(index);
            if let State::Executing {
                attempt, deadline, ..
            } = self.operations[index.0].state
            {
                let grace = self.wall.after(self.limits.cancel_grace);
                let deadline = Some(deadline.map_or(grace, |deadline| deadline.min(grace)));
                self.tell(index, attempt, deadline);
            }
        }
        self.operations[index.0].waker = Some(waker.clone());
        Some(match self.operations[index.0].state {
            State::Executing { told, .. } => StepPoll::Continue { told },
            State::Expired { .. } => StepPoll::TimedOut,
            _ => StepPoll::Wait,
        })
    }

    /// An attempt has reached its deadline. One that may have to be undone is told, and has the grace to
    /// end; any other has had its time.
    pub(super) fn run_late(&mut self, index: OperationIndex, attempt: u32, told: bool) {
        let grace = self.limits.cancel_grace;
        if self.operations[index.0].running && !told && !grace.is_zero() {
            let deadline = Some(self.wall.after(grace));
            self.tell(index, attempt, deadline);
        } else {
            self.set_state(index, State::Expired { attempt });
        }
        self.operations[index.0].wake();
    }

    fn tell(
        &mut self,
        index: OperationIndex,
        attempt: u32,
        deadline: Option<crate::journal::Timestamp>,
    ) {
        let told = true;
        self.set_state(
            index,
            State::Executing {
                attempt,
                deadline,
                told,
            },
        );
    }

    /// Records the end of a step that has none, and of which nothing runs: what an attempt did that began
    /// is unknown, and one that did not begin did nothing.
    pub(super) fn interrupt(&mut self, step: &StepId) {
        let Some(attempt) = self.ledger.may_have_happened(step) else {
            return;
        };
        let index = self.find(step);
        let never_began = index.is_some_and(|index| {
            let state = &self.operations[index.0].state;
            matches!(
                state,
                State::Started { own: true, .. } | State::Ready { .. }
            )
        });
        let kind = if never_began {
            let failure = Failure::new(FailureKind::Canceled, "canceled before it began");
            EventKind::StepFailed {
                failure: failure.at_step(step, attempt),
            }
        } else {
            EventKind::StepInterrupted { attempt }
        };
        if let Some(index) = index {
            self.set_state(index, State::Proposed);
        }
        self.propose(Some(step.clone()), kind);
    }

    /// Records the end of every step that has none, when a rollback begins and no body runs any more.
    pub(super) fn interrupt_all(&mut self) {
        for step in self.ledger.unsettled() {
            self.interrupt(&step);
        }
    }

    /// Takes back the starts that are not written yet, of a run that does not go on here: an attempt
    /// begins only after its start is durable, so these have not begun.
    pub(super) fn retract_starts(&mut self) {
        let mut followed = BTreeSet::new();
        let mut kept: Vec<_> = std::mem::take(&mut self.uncommitted)
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

    /// Whether an attempt is in flight that may have to be undone.
    pub(super) fn executes_compensated(&self) -> bool {
        let mut operations = self.operations.iter();
        operations.any(|operation| operation.running && operation.is_executing())
    }
}
