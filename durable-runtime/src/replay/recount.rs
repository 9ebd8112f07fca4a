//! In debug builds, after each turn: what the machine counts and looks up is the same as what the plain facts say,
//! which are the operations and the whole journal. Release builds have none of this.

use std::collections::{BTreeMap, BTreeSet};

use super::{Machine, OperationIndex, operation::State};
use crate::journal::{Event, EventKind, RunId, StepId};

/// How many facts may be gone through for each turn. All of them are, after one turn in so many that this is
/// kept: what is wrong once stays wrong.
const FACTS_PER_TURN: usize = 2;

/// What is kept for the recount alone.
#[derive(Debug, Default)]
pub(super) struct Facts {
    /// All events, recorded and proposed.
    journal: Vec<Event>,
    turns: usize,
}

impl Facts {
    pub(super) fn note(&mut self, event: &Event) {
        self.journal.push(event.clone());
    }
}

impl Machine {
    /// Goes through the facts, when it is time.
    pub(super) fn recount(&mut self) {
        self.facts.turns += 1;
        let facts = self.facts.journal.len() + self.operations.iter().len();
        if self.facts.turns.is_multiple_of(1 + facts / FACTS_PER_TURN) {
            self.recount_all();
        }
    }

    /// Goes through the facts.
    ///
    /// # Panics
    ///
    /// When something that is kept differs from them.
    pub(super) fn recount_all(&self) {
        self.operations.recount();
        self.mailbox.recount(&self.consumed);
        self.recount_journal();
        self.recount_rollback();
        self.recount_asked();
    }

    /// Whether the run goes on as it is in memory. What a parked run has done since it was written last is not
    /// recorded.
    fn goes_on(&self) -> bool {
        self.parked.is_none() && self.fault.is_none()
    }

    /// The two cursors, and how long the journal is.
    fn recount_journal(&self) {
        let journal = &self.facts.journal;
        let len = |len: usize| u32::try_from(len).unwrap_or(u32::MAX);
        assert_eq!(self.ledger.len, len(journal.len()), "events");
        assert!(journal.is_sorted_by_key(|event| event.at), "times go back");
        let last = journal.last();
        let has_ended = last.is_some_and(|event| event.kind.is_terminal());
        assert_eq!(self.ledger.ended, has_ended, "whether the run has ended");
        let rolls_back = journal.iter().any(|event| event.kind.begins_rollback());
        assert_eq!(self.ledger.cause.is_some(), rolls_back, "a rollback");
        if !self.goes_on() {
            return;
        }
        let written = self.committed + len(self.uncommitted.len());
        let in_flight = self.ledger.len.checked_sub(written);
        assert!(
            in_flight == Some(0) || in_flight.is_some() && self.committing.is_some(),
            "{} durable events and {} to be written of {}",
            self.committed,
            self.uncommitted.len(),
            self.ledger.len
        );
        let delivered = self.delivered + len(self.undelivered.len()) + u32::from(has_ended);
        assert!(
            rolls_back || delivered == self.ledger.len,
            "{} delivered events and {} to be delivered of {}",
            self.delivered,
            self.undelivered.len(),
            self.ledger.len
        );
    }

    /// The children that run, and what is to be undone.
    fn recount_rollback(&self) {
        let mut children: BTreeMap<&StepId, &RunId> = BTreeMap::new();
        let mut completed = BTreeSet::new();
        let mut undone = BTreeSet::new();
        for event in &self.facts.journal {
            let Some(step) = &event.step else { continue };
            match &event.kind {
                EventKind::ChildStarted { child } => drop(children.insert(step, child)),
                EventKind::ChildCompleted { .. } | EventKind::ChildFailed { .. } => {
                    children.remove(step);
                }
                EventKind::Compensated | EventKind::CompensationFailed { .. } => {
                    undone.insert(step);
                }
                _ => {}
            }
            let gives = matches!(
                event.kind,
                EventKind::StepCompleted { .. } | EventKind::ChildCompleted { .. }
            );
            if gives && self.identity.blueprint.undo_rule(step).is_some() {
                completed.insert(step);
            }
        }
        let kept = self.ledger.children.iter();
        assert!(
            kept.map(|(step, child)| (step, &child.id)).eq(children),
            "children that run"
        );
        let to_undo: BTreeSet<_> = self.ledger.to_undo.iter().map(|undo| &undo.step).collect();
        assert!(to_undo.is_disjoint(&undone), "what was undone is not again");
        let left: BTreeSet<_> = completed.difference(&undone).copied().collect();
        assert!(to_undo.is_superset(&left), "what is done is to be undone");
    }

    /// No operation is forgotten that the body has asked for and that has not begun.
    fn recount_asked(&self) {
        if self.ledger.cause.is_some() || !self.goes_on() {
            return;
        }
        let known: BTreeSet<OperationIndex> = self
            .fresh
            .iter()
            .copied()
            .chain(self.mailbox.waiting())
            .collect();
        for (index, operation) in self.operations.indexed() {
            let is_asked = *operation.state() == State::Asked && !operation.is_dropped();
            assert!(
                !is_asked || known.contains(&index),
                "`{}` was asked for, and nothing will begin it",
                operation.id
            );
        }
    }
}
