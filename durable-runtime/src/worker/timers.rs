//! When runs in memory want to look at the clock.

use std::{
    cmp::Reverse,
    collections::BinaryHeap,
    sync::{Arc, Mutex, PoisonError, Weak},
};

use tokio::sync::Notify;

use super::slot::{Input, Slot};
use crate::journal::{RunKey, Timestamp};

/// A heap of wake-up times. A wake-up that is no longer wanted does no harm.
#[derive(Debug, Default)]
pub(crate) struct Timers {
    heap: Mutex<BinaryHeap<Reverse<Timer>>>,
    /// Notified when the earliest time has moved forward.
    pub(super) earlier: Notify,
}

#[derive(Debug)]
struct Timer {
    at: Timestamp,
    run: RunKey,
    slot: Weak<Slot>,
}

impl Timers {
    pub(super) fn set(&self, at: Timestamp, slot: &Arc<Slot>) {
        let mut heap = self.heap.lock().unwrap_or_else(PoisonError::into_inner);
        let is_earliest = heap.peek().is_none_or(|Reverse(first)| at < first.at);
        heap.push(Reverse(Timer {
            at,
            run: slot.run,
            slot: Arc::downgrade(slot),
        }));
        drop(heap);
        if is_earliest {
            self.earlier.notify_one();
        }
    }

    pub(super) fn next(&self) -> Option<Timestamp> {
        let mut heap = self.heap.lock().unwrap_or_else(PoisonError::into_inner);
        while (heap.peek()).is_some_and(|Reverse(first)| first.slot.strong_count() == 0) {
            heap.pop();
        }
        heap.peek().map(|Reverse(first)| first.at)
    }

    /// Tells every run whose time has come.
    pub(super) fn fire(&self, now: Timestamp) {
        let mut heap = self.heap.lock().unwrap_or_else(PoisonError::into_inner);
        while heap.peek().is_some_and(|Reverse(first)| first.at <= now) {
            if let Some(slot) = heap.pop().and_then(|Reverse(timer)| timer.slot.upgrade()) {
                slot.push(Input::Look);
            }
        }
    }
}

impl PartialEq for Timer {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Timer {}

impl PartialOrd for Timer {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Timer {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.at, self.run).cmp(&(other.at, other.run))
    }
}
