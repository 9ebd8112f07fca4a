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

    /// Registers somebody who waits for a run to end. The second value says whether the run is in
    /// memory, so that its end is sure to be told; otherwise the caller has to look at the store.
    pub(crate) fn wait(&self, run: RunKey) -> (oneshot::Receiver<Ending>, bool) {
        let (sender, receiver) = oneshot::channel();
        let mut inner = self.lock();
        let waiters = inner.waiters.entry(run).or_default();
        // Whoever gave up waiting must not be remembered for ever.
        waiters.retain(|waiter| !waiter.is_closed());
        waiters.push(sender);
        let resident = inner.slots.contains_key(&run);
        (receiver, resident)
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
