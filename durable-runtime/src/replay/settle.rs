//! The frontier: when all recorded events are delivered and the body is quiet, what it asked for is
//! proposed, and what came from outside is taken in.

use std::collections::VecDeque;

use super::{Machine, operations::Begun};
use crate::journal::Timestamp;

impl Machine {
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
        self.match_mail();
        // What has come in time is not late because nobody looked.
        if self.undelivered.is_empty() {
            self.fire_timers();
        }
        self.begin_fresh();
        self.settle_abandoned();
        if self.undelivered.is_empty() {
            if self.body_result.is_some() {
                self.finish();
                return false;
            }
            return self.release();
        }
        true
    }

    /// Whether every event so far is durable, so that user code with effects may start.
    pub(super) fn is_durable(&self) -> bool {
        self.uncommitted.is_empty() && self.committing.is_none()
    }

    /// Tells every operation whose time has come.
    fn fire_timers(&mut self) {
        for index in self.operations.due(self.wall) {
            self.with(index, |work, place| work.fire(place));
        }
    }

    /// Proposes the first event of every operation that was asked for and of which nothing is recorded.
    fn begin_fresh(&mut self) {
        let mut later = VecDeque::new();
        while let Some(index) = self.fresh.pop_front() {
            if self.operations[index].is_dropped() {
                continue;
            }
            match self.with(index, |work, place| work.begin(place)) {
                Some(Begun::WhenDurable) => later.push_back(index),
                Some(Begun::UnlessMailIsThere) => self.mailbox.undecided.push(index),
                Some(Begun::Done) | None => {}
            }
        }
        self.fresh = later;
        self.match_mail();
        if self.undelivered.is_empty() {
            self.record_waits();
        }
    }

    /// Records what becomes of operations that nobody waits for any more.
    fn settle_abandoned(&mut self) {
        for index in std::mem::take(&mut self.abandoned) {
            self.with(index, |work, place| work.settle(place));
        }
    }

    /// Lets operations go on that wait for everything before them to be durable. `true` when one does, or
    /// when what it recorded first is to be delivered.
    fn release(&mut self) -> bool {
        if self.held {
            return false;
        }
        for position in 0..self.fresh.len() {
            let index = self.fresh[position];
            if !self.operations[index].is_dropped() {
                self.with(index, |work, place| work.announce(place));
            }
        }
        if !self.undelivered.is_empty() {
            return true;
        }
        if !self.is_durable() {
            return false;
        }
        let mut moved = false;
        for index in std::mem::take(&mut self.fresh) {
            if !self.operations[index].is_dropped() {
                moved |= self.with(index, |work, place| work.go_on(place)) == Some(true);
            }
        }
        moved
    }

    /// When the run needs attention next, if it only waits for time. The timers of a body that does not
    /// run again are over.
    pub(super) fn next_due(&self) -> Option<Timestamp> {
        let runs_on = self.ledger.cause.is_none();
        self.operations.timers().next().filter(|_| runs_on)
    }
}
