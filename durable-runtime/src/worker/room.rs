//! Room in mailboxes.
//!
//! The bound of a mailbox is kept by those who send. To count what waits with each signal would make every
//! signal dearer for the few mailboxes that are ever full; so a sender counts once for many signals, and may
//! pass the bound by as many.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use crate::{journal::RunId, store::Store};

/// With so many runs, those are forgotten that got little.
const RUNS_MAX: usize = 10_000;

/// How many signals this process may send to runs before it counts what waits there.
#[derive(Debug, Default)]
pub(crate) struct Room(Mutex<HashMap<RunId, u32>>);

impl Room {
    /// Whether a signal may be sent to a run whose mailbox holds `max` signals. A sender that `counts` looks at
    /// once; any other after a tenth of the bound. While the database cannot be read, nobody is refused: what
    /// is sent waits for it.
    pub(crate) async fn takes(
        &self,
        store: &dyn Store,
        run: &RunId,
        max: u32,
        counts: bool,
    ) -> bool {
        let share = (max / 10).max(1);
        if self.take(run, share, counts) {
            return true;
        }
        let Ok(waiting) = store.signals_waiting(run, max).await else {
            return true;
        };
        let room = max.saturating_sub(waiting).min(share);
        self.with(|left| left.insert(run.clone(), room.saturating_sub(1)));
        room > 0
    }

    fn take(&self, run: &RunId, share: u32, counts: bool) -> bool {
        self.with(|left| {
            let at_first = if counts { 0 } else { share };
            let room = left.get(run).copied().unwrap_or(at_first);
            if left.len() >= RUNS_MAX && !left.contains_key(run) {
                left.retain(|_, room| *room <= share / 2);
            }
            if room > 0 {
                left.insert(run.clone(), room - 1);
            }
            room > 0
        })
    }

    fn with<T>(&self, work: impl FnOnce(&mut HashMap<RunId, u32>) -> T) -> T {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
