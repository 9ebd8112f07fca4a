//! A database with a standby that lags behind, and takes over without what it has not heard of.

use std::{
    fmt,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use durable::{
    journal::{Event, RunId, RunKey, Timestamp, WorkerId},
    store::{
        Batch, BatchOutcome, Claim, Claimed, Hint, LoadedRun, Mail, MemoryStore, NewWorker, Owned,
        RunPage, RunQuery, RunRecord, Store, StoreError, StoreErrorKind, StoreFuture,
    },
};
use tokio::sync::Notify;

/// Two stores that are told the same, until the standby lags behind; then the standby takes over, and
/// what it was not told has been acknowledged and is forgotten. Clones are the same pair.
#[derive(Debug, Clone)]
pub struct Replicated {
    primary: MemoryStore,
    /// What is left after the failover.
    pub standby: MemoryStore,
    state: Arc<Mutex<State>>,
    over: Arc<Notify>,
}

#[derive(Debug, Default)]
struct State {
    commits: u64,
    /// Calls that the standby has not heard of.
    unheard: u64,
    lags_from: u64,
    forgets: u64,
    failed_over: bool,
}

/// The standby takes over after so many calls, though fewer commits were made than it is to forget.
const PATIENCE: u64 = 100;

/// To whom a call goes.
enum To {
    Both,
    Primary,
    Standby,
    /// To nobody: the connection breaks.
    Nobody,
}

impl Replicated {
    /// The standby does not hear of the commit number `from`, from 1, and what follows; after so many
    /// commits it takes over.
    pub fn lagging(from: u64, forgets: u64) -> Self {
        let state = State {
            lags_from: from,
            forgets,
            ..State::default()
        };
        Self {
            primary: MemoryStore::new(),
            standby: MemoryStore::new(),
            state: Arc::new(Mutex::new(state)),
            over: Arc::default(),
        }
    }

    /// Whether the standby has taken over.
    pub fn has_failed_over(&self) -> bool {
        self.state().failed_over
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn make<'s, T: Send>(
        &'s self,
        is_commit: bool,
        call: impl Fn(&'s MemoryStore) -> StoreFuture<'s, T> + Send,
    ) -> Result<T, StoreError> {
        let to = self.state().next(is_commit);
        match to {
            To::Standby => return call(&self.standby).await,
            To::Nobody => {
                self.over.notify_one();
                let kind = StoreErrorKind::Unavailable;
                return Err(StoreError::new(kind, "the primary is gone"));
            }
            To::Primary => return call(&self.primary).await,
            To::Both => {}
        }
        let reply = call(&self.primary).await?;
        call(&self.standby).await?;
        Ok(reply)
    }
}

impl State {
    fn next(&mut self, is_commit: bool) -> To {
        if self.failed_over {
            return To::Standby;
        }
        self.commits += u64::from(is_commit);
        if self.commits < self.lags_from {
            return To::Both;
        }
        self.unheard += 1;
        if self.commits < self.lags_from + self.forgets && self.unheard < PATIENCE {
            To::Primary
        } else {
            self.failed_over = true;
            To::Nobody
        }
    }
}

macro_rules! told {
    ($($name:ident($($argument:ident: $type:ty),*) -> $output:ty;)*) => {
        $(fn $name(&self, $($argument: $type),*) -> StoreFuture<'_, $output> {
            Box::pin(self.make(false, move |store| store.$name($($argument.clone()),*)))
        })*
    };
}

impl Store for Replicated {
    fn commit<'a>(&'a self, batch: &'a Batch) -> StoreFuture<'a, BatchOutcome> {
        Box::pin(self.make(!batch.is_empty(), |store| store.commit(batch)))
    }

    fn release_strays<'a>(
        &'a self,
        worker: WorkerId,
        residents: &'a [RunKey],
    ) -> StoreFuture<'a, u64> {
        Box::pin(self.make(false, move |store| store.release_strays(worker, residents)))
    }

    fn find<'a>(&'a self, id: &'a RunId) -> StoreFuture<'a, Option<RunRecord>> {
        Box::pin(self.make(false, move |store| store.find(id)))
    }

    fn list<'a>(&'a self, query: &'a RunQuery) -> StoreFuture<'a, RunPage> {
        Box::pin(self.make(false, move |store| store.list(query)))
    }

    /// Whoever listens notices that the connection broke.
    fn hint(&self) -> Pin<Box<dyn Future<Output = Hint> + Send + '_>> {
        Box::pin(async {
            self.over.notified().await;
            Hint::missed()
        })
    }

    told! {
        claim(claim: Claim) -> Claimed;
        register_worker(worker: NewWorker) -> WorkerId;
        renew_lease(worker: WorkerId, until: Timestamp) -> bool;
        retire_worker(worker: WorkerId) -> u64;
        reap(now: Timestamp) -> u64;
        claim_parked(claim: Claim) -> Vec<LoadedRun>;
        owned(worker: WorkerId) -> Option<Vec<Owned>>;
        unread(worker: WorkerId) -> Vec<RunKey>;
        read(run: RunKey) -> Option<RunRecord>;
        mailbox(run: RunKey) -> Vec<Mail>;
        history(run: RunKey) -> Vec<Event>;
        children(run: RunKey) -> Vec<RunRecord>;
        close() -> ();
    }
}

impl fmt::Display for Replicated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.state();
        write!(
            f,
            "the standby forgot {} commits from {}",
            state.forgets, state.lags_from
        )
    }
}
