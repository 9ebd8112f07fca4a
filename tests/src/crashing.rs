//! A store that dies at a chosen commit, as a process does that is killed there.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use durable::{
    journal::{Event, RunId, RunKey, Timestamp, WorkerId},
    store::{
        Batch, BatchOutcome, Claim, Claimed, LoadedRun, Mail, MemoryStore, NewWorker, RunPage,
        RunQuery, RunRecord, Store, StoreFuture,
    },
};
use tokio::sync::Notify;

/// Where, around a commit, a process dies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// Before it: nothing of it is written.
    Before,
    /// After it: all of it is written, and nobody was told.
    After,
}

/// A memory store that answers nothing any more from a chosen commit on.
#[derive(Debug, Clone)]
pub struct CrashingStore {
    inner: MemoryStore,
    commits_left: Arc<AtomicI64>,
    moment: Moment,
    died: Arc<Notify>,
}

impl CrashingStore {
    /// A store that dies at its commit number `nth`, from 1.
    pub fn new(inner: MemoryStore, nth: i64, moment: Moment) -> Self {
        Self {
            inner,
            commits_left: Arc::new(AtomicI64::new(nth)),
            moment,
            died: Arc::default(),
        }
    }

    /// Resolves when the store has died.
    pub async fn died(&self) {
        self.died.notified().await;
    }

    async fn die<T>(&self) -> T {
        self.died.notify_one();
        std::future::pending().await
    }
}

impl Store for CrashingStore {
    fn commit<'a>(&'a self, batch: &'a Batch) -> StoreFuture<'a, BatchOutcome> {
        Box::pin(async move {
            let is_last = self.commits_left.fetch_sub(1, Ordering::AcqRel) <= 1;
            if is_last && self.moment == Moment::Before {
                return self.die().await;
            }
            let outcome = self.inner.commit(batch).await;
            if is_last {
                return self.die().await;
            }
            outcome
        })
    }

    fn claim(&self, claim: Claim) -> StoreFuture<'_, Claimed> {
        self.inner.claim(claim)
    }

    fn register_worker(&self, worker: NewWorker) -> StoreFuture<'_, WorkerId> {
        self.inner.register_worker(worker)
    }

    fn renew_lease(&self, worker: WorkerId, lease_until: Timestamp) -> StoreFuture<'_, bool> {
        self.inner.renew_lease(worker, lease_until)
    }

    fn release_strays<'a>(
        &'a self,
        worker: WorkerId,
        residents: &'a [RunKey],
    ) -> StoreFuture<'a, u64> {
        self.inner.release_strays(worker, residents)
    }

    fn retire_worker(&self, worker: WorkerId) -> StoreFuture<'_, u64> {
        self.inner.retire_worker(worker)
    }

    fn reap(&self, now: Timestamp) -> StoreFuture<'_, u64> {
        self.inner.reap(now)
    }

    fn claim_parked(&self, claim: Claim) -> StoreFuture<'_, Vec<LoadedRun>> {
        self.inner.claim_parked(claim)
    }

    fn find<'a>(&'a self, id: &'a RunId) -> StoreFuture<'a, Option<RunRecord>> {
        self.inner.find(id)
    }

    fn read(&self, run: RunKey) -> StoreFuture<'_, Option<RunRecord>> {
        self.inner.read(run)
    }

    fn mailbox(&self, run: RunKey) -> StoreFuture<'_, Vec<Mail>> {
        self.inner.mailbox(run)
    }

    fn history(&self, run: RunKey) -> StoreFuture<'_, Vec<Event>> {
        self.inner.history(run)
    }

    fn children(&self, run: RunKey) -> StoreFuture<'_, Vec<RunRecord>> {
        self.inner.children(run)
    }

    fn list<'a>(&'a self, query: &'a RunQuery) -> StoreFuture<'a, RunPage> {
        self.inner.list(query)
    }

    fn close(&self) -> StoreFuture<'_, ()> {
        self.inner.close()
    }
}
