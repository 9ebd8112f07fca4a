//! The public handle: the [`Store`] trait over the shared state.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use super::state::State;
use crate::{
    journal::{Event, RunId, RunKey, Timestamp, WorkerId},
    store::{
        Batch, BatchId, BatchOutcome, Claim, Claimed, LoadedRun, Mail, NewWorker, Owned, RunPage,
        RunQuery, RunRecord, Store, StoreFuture,
    },
};

/// A store in memory. Its clones share one database, which lives as long as the last of them.
///
/// ```
/// use durable_runtime::store::MemoryStore;
///
/// let store = MemoryStore::new();
/// let same_database = store.clone();
/// # let _ = same_database;
/// ```
#[derive(Clone, Default)]
pub struct MemoryStore(Arc<Mutex<State>>);

impl MemoryStore {
    /// An empty database.
    pub fn new() -> Self {
        Self::default()
    }

    fn with<T: Send + 'static>(
        &self,
        act: impl FnOnce(&mut State) -> T + Send + 'static,
    ) -> StoreFuture<'static, T> {
        let state = Arc::clone(&self.0);
        Box::pin(async move {
            Ok(act(&mut state
                .lock()
                .unwrap_or_else(PoisonError::into_inner)))
        })
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStore").finish_non_exhaustive()
    }
}

impl Store for MemoryStore {
    fn commit<'a>(&'a self, batch: &'a Batch) -> StoreFuture<'a, BatchOutcome> {
        Box::pin(async move {
            let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            state.commit(batch)
        })
    }

    fn settle(&self, batch: BatchId) -> StoreFuture<'_, bool> {
        self.with(move |state| state.settle(batch))
    }

    fn claim(&self, claim: Claim) -> StoreFuture<'_, Claimed> {
        self.with(move |state| state.claim(&claim))
    }

    fn claim_run(
        &self,
        worker: WorkerId,
        now: Timestamp,
        run: RunKey,
    ) -> StoreFuture<'_, Option<LoadedRun>> {
        self.with(move |state| state.claim_run(&Claim::new(worker, now, 1), run))
    }

    fn register_worker(&self, worker: NewWorker) -> StoreFuture<'_, WorkerId> {
        self.with(move |state| state.register_worker(worker))
    }

    fn renew_lease(&self, worker: WorkerId, lease_until: Timestamp) -> StoreFuture<'_, bool> {
        self.with(move |state| state.renew_lease(worker, lease_until))
    }

    fn release_strays<'a>(
        &'a self,
        worker: WorkerId,
        residents: &'a [RunKey],
    ) -> StoreFuture<'a, u64> {
        let residents = residents.to_vec();
        self.with(move |state| state.release_strays(worker, &residents))
    }

    fn retire_worker(&self, worker: WorkerId) -> StoreFuture<'_, u64> {
        self.with(move |state| state.retire_worker(worker))
    }

    fn leases(&self) -> StoreFuture<'_, Vec<(WorkerId, Timestamp)>> {
        self.with(|state| state.leases())
    }

    fn end_leases<'a>(&'a self, leases: &'a [(WorkerId, Timestamp)]) -> StoreFuture<'a, ()> {
        let leases = leases.to_vec();
        self.with(move |state| state.end_leases(&leases))
    }

    fn reap(&self, now: Timestamp) -> StoreFuture<'_, u64> {
        self.with(move |state| state.reap(now))
    }

    fn claim_parked(&self, claim: Claim) -> StoreFuture<'_, Vec<LoadedRun>> {
        self.with(move |state| state.claim_parked(&claim))
    }

    fn find<'a>(&'a self, id: &'a RunId) -> StoreFuture<'a, Option<RunRecord>> {
        let id = id.clone();
        self.with(move |state| state.find(&id))
    }

    fn read(&self, run: RunKey) -> StoreFuture<'_, Option<RunRecord>> {
        self.with(move |state| state.read(run))
    }

    fn owned(&self, worker: WorkerId) -> StoreFuture<'_, Option<Vec<Owned>>> {
        self.with(move |state| Some(state.owned(worker)))
    }

    fn unread(&self, worker: WorkerId) -> StoreFuture<'_, Vec<RunKey>> {
        self.with(move |state| state.unread(worker))
    }

    fn mailbox(&self, run: RunKey) -> StoreFuture<'_, Vec<Mail>> {
        self.with(move |state| state.mailbox(run))
    }

    fn history(&self, run: RunKey) -> StoreFuture<'_, Vec<Event>> {
        self.with(move |state| state.history(run))
    }

    fn children(&self, run: RunKey) -> StoreFuture<'_, Vec<RunRecord>> {
        self.with(move |state| state.children(run))
    }

    fn list<'a>(&'a self, query: &'a RunQuery) -> StoreFuture<'a, RunPage> {
        let query = query.clone();
        self.with(move |state| state.list(&query))
    }

    fn close(&self) -> StoreFuture<'_, ()> {
        self.with(|_| ())
    }
}
