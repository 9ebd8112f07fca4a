//! The runs in memory, and who waits for a run to end.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::oneshot;

use super::slot::Slot;
use crate::{failure::Failure, journal::Payload, journal::RunKey};

/// How a run ended, or why it does not go on.
#[derive(Debug, Clone)]
pub(crate) enum Ending {
    Completed(Payload),
    Failed(Failure),
    Canceled,
    Parked(String),
}

/// The runs of this worker that are in memory.
#[derive(Debug, Default)]
pub(crate) struct Residents {
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    slots: BTreeMap<RunKey, Arc<Slot>>,
    waiters: BTreeMap<RunKey, Vec<oneshot::Sender<Ending>>>,
}

impl Residents {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn insert(&self, slot: &Arc<Slot>) {
        self.lock().slots.insert(slot.run, Arc::clone(slot));
    }

    /// Removes a run, unless its place was taken by a later claim of the same run.
    pub(super) fn remove(&self, slot: &Arc<Slot>) {
        let mut inner = self.lock();
        if inner
            .slots
            .get(&slot.run)
            .is_some_and(|known| Arc::ptr_eq(known, slot))
        {
            inner.slots.remove(&slot.run);
        }
    }

    pub(super) fn find(&self, run: RunKey) -> Option<Arc<Slot>> {
        self.lock().slots.get(&run).cloned()
    }

    pub(crate) fn len(&self) -> usize {
        self.lock().slots.len()
    }

    pub(crate) fn holds(&self, run: RunKey) -> bool {
        self.lock().slots.contains_key(&run)
    }

    pub(super) fn all(&self) -> Vec<Arc<Slot>> {
        self.lock().slots.values().cloned().collect()
    }

    pub(super) fn keys(&self) -> Vec<RunKey> {
        self.lock().slots.keys().copied().collect()
    }

    pub(super) fn any_busy(&self) -> bool {
        self.lock().slots.values().any(|slot| slot.is_busy())
    }

    /// Registers somebody who waits for a run to end.
    pub(crate) fn wait(&self, run: RunKey) -> Waiting<'_> {
        let (sender, ending) = oneshot::channel();
        let mut inner = self.lock();
        inner.waiters.entry(run).or_default().push(sender);
        Waiting {
            residents: self,
            run,
            is_resident: inner.slots.contains_key(&run),
            ending,
        }
    }

    /// Forgets those who gave up waiting.
    fn sweep(&self, run: RunKey) {
        let mut inner = self.lock();
        if let Some(waiters) = inner.waiters.get_mut(&run) {
            waiters.retain(|waiter| !waiter.is_closed());
            if waiters.is_empty() {
                inner.waiters.remove(&run);
            }
        }
    }

    /// Tells everybody who waits that the engine ends first.
    pub(super) fn tell_shut_down(&self) {
        self.lock().waiters.clear();
    }

    /// Tells everybody who waits for a run how it ended.
    pub(super) fn tell(&self, run: RunKey, ending: &Ending) {
        let waiters = self.lock().waiters.remove(&run).unwrap_or_default();
        for waiter in waiters {
            // Whoever gave up waiting does not want to know.
            let _ = waiter.send(ending.clone());
        }
    }
}

/// Somebody who waits for a run to end; dropping it gives the wait up.
#[derive(Debug)]
pub(crate) struct Waiting<'r> {
    residents: &'r Residents,
    run: RunKey,
    /// Whether the run was in memory, so that its end is sure to be told; otherwise the caller has
    /// to look at the store.
    pub(crate) is_resident: bool,
    /// Told once.
    pub(crate) ending: oneshot::Receiver<Ending>,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.ending.close();
        self.residents.sweep(self.run);
    }
}
