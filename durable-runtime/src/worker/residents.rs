//! The runs in memory, and who waits for a run to end.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::oneshot;

use super::{ending::Ending, pace::Pace, slot::Slot};
use crate::journal::{RunId, RunKey};

/// The runs of this worker that are in memory.
#[derive(Debug, Default)]
pub(crate) struct Residents {
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    slots: BTreeMap<RunKey, Arc<Slot>>,
    waiters: BTreeMap<RunKey, Waiters>,
    /// Runs that have left memory and are being given back.
    leaving: Vec<RunId>,
}

/// Those who wait for one run to end.
#[derive(Debug)]
struct Waiters {
    /// The run's id: after a failover of the database its number may be another run's.
    id: RunId,
    senders: Vec<oneshot::Sender<Ending>>,
    /// Whether the run is known to be under way; it may have ended before they came.
    run_goes_on: bool,
}

impl Residents {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives the place that the run's number had before, if it had one.
    pub(super) fn insert(&self, slot: &Arc<Slot>) -> Option<Arc<Slot>> {
        self.lock().slots.insert(slot.run, Arc::clone(slot))
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

    /// Removes runs that are at rest, and holds them for being given back until it is said that they are.
    pub(super) fn take_resting(&self) -> Vec<Arc<Slot>> {
        let mut inner = self.lock();
        let resting = inner.slots.extract_if(.., |_, slot| !slot.is_busy());
        let resting: Vec<_> = resting.map(|(_, slot)| slot).collect();
        inner
            .leaving
            .extend(resting.iter().map(|slot| slot.id.clone()));
        resting
    }

    /// What was taken at rest has been given back.
    pub(super) fn were_given_back(&self) {
        self.lock().leaving.clear();
    }

    /// The ids of the runs that this worker has not given back.
    pub(super) fn ids(&self) -> Vec<RunId> {
        let inner = self.lock();
        let leaving = inner.leaving.iter().cloned();
        leaving
            .chain(inner.slots.values().map(|slot| slot.id.clone()))
            .collect()
    }

    pub(super) fn any_busy(&self) -> bool {
        self.lock().slots.values().any(|slot| slot.is_busy())
    }

    /// Whether user code is at work while every run rests; `None` when one does not.
    pub(super) fn rest_at_work(&self) -> Option<bool> {
        self.lock()
            .slots
            .values()
            .try_fold(false, |at_work, slot| Some(at_work | slot.rests_at_work()?))
    }

    /// Whether somebody waits for the end of a run that has not ended.
    pub(super) fn are_awaited(&self) -> bool {
        self.lock().waiters.values().any(|run| run.run_goes_on)
    }

    /// Registers somebody who waits for a run to end.
    pub(super) fn wait<'s>(&'s self, pace: &'s Pace, run: RunKey, id: &RunId) -> Waiting<'s> {
        let (sender, ending) = oneshot::channel();
        let mut inner = self.lock();
        let is_resident = inner.slots.get(&run).is_some_and(|slot| slot.id == *id);
        inner.have_others_asked(run, id);
        let waiters = inner.waiters.entry(run).or_insert_with(|| Waiters {
            id: id.clone(),
            senders: Vec::new(),
            run_goes_on: false,
        });
        waiters.senders.push(sender);
        waiters.run_goes_on |= is_resident;
        drop(inner);
        pace.look();
        Waiting {
            residents: self,
            pace,
            run,
            is_resident,
            ending,
        }
    }

    /// Whether anybody waits for a run to end that is not in memory here.
    pub(super) fn is_awaited(&self, run: RunKey) -> bool {
        let inner = self.lock();
        inner.waiters.contains_key(&run) && !inner.slots.contains_key(&run)
    }

    /// The runs whose end somebody waits for and that are not in memory here.
    pub(super) fn awaited_elsewhere(&self) -> Vec<RunKey> {
        let inner = self.lock();
        let awaited = inner.waiters.keys();
        awaited
            .filter(|run| !inner.slots.contains_key(run))
            .copied()
            .collect()
    }

    /// Forgets those who gave up waiting.
    fn sweep(&self, run: RunKey) {
        let mut inner = self.lock();
        if let Some(waiters) = inner.waiters.get_mut(&run) {
            waiters.senders.retain(|waiter| !waiter.is_closed());
            if waiters.senders.is_empty() {
                inner.waiters.remove(&run);
            }
        }
    }

    /// Has everybody who waits for a run ask the database.
    pub(super) fn have_asked(&self, run: RunKey) {
        self.lock().waiters.remove(&run);
    }

    /// Tells everybody who waits that the engine ends first.
    pub(super) fn tell_shut_down(&self) {
        self.lock().waiters.clear();
    }

    /// Tells everybody who waits for a run how it ended.
    pub(super) fn tell(&self, run: RunKey, id: &RunId, ending: &Ending) {
        let mut inner = self.lock();
        inner.have_others_asked(run, id);
        let waiters = inner.waiters.remove(&run);
        for waiter in waiters.into_iter().flat_map(|waiters| waiters.senders) {
            // Whoever gave up waiting does not want to know.
            let _ = waiter.send(ending.clone());
        }
    }
}

impl Inner {
    /// Has everybody ask the database who waits for another run that had this number.
    fn have_others_asked(&mut self, run: RunKey, id: &RunId) {
        if self
            .waiters
            .get(&run)
            .is_some_and(|waiters| waiters.id != *id)
        {
            self.waiters.remove(&run);
        }
    }
}

/// Somebody who waits for a run to end; dropping it gives the wait up.
#[derive(Debug)]
pub(crate) struct Waiting<'r> {
    residents: &'r Residents,
    pace: &'r Pace,
    run: RunKey,
    /// Whether the run was in memory, so that its end is sure to be told; otherwise the caller has
    /// to look at the store.
    pub(crate) is_resident: bool,
    /// Told once.
    pub(crate) ending: oneshot::Receiver<Ending>,
}

impl Waiting<'_> {
    /// Tells that the run had not ended when the store was asked.
    pub(crate) fn run_goes_on(&self) {
        if let Some(waiters) = self.residents.lock().waiters.get_mut(&self.run) {
            waiters.run_goes_on = true;
        }
        self.pace.look();
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.ending.close();
        self.residents.sweep(self.run);
        self.pace.look();
    }
}
