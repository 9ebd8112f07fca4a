//! A store that fails where a test says.

use std::{
    collections::BTreeMap,
    fmt,
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::{runtime::Handle, sync::Notify, task::yield_now};

use crate::{
    clock::Clock,
    journal::{Event, MailId, RunId, RunKey, Timestamp, WorkerId},
    random::unit,
    store::{
        Batch, BatchId, BatchOutcome, Claim, Claimed, Hint, LoadedRun, Mail, NewWorker, Owned,
        RunPage, RunQuery, RunRecord, Store, StoreError, StoreErrorKind, StoreFuture,
    },
};

/// Wraps a store and makes its calls fail: the ones that a test names, or some by a seed. Clones are
/// the same store.
///
/// Every fault is one that a database has: an engine must get over each of them without losing,
/// doubling or failing anything.
///
/// ```standalone_crate
/// use std::sync::Arc;
/// use durable::{
///     prelude::*,
///     store::{MemoryStore, StoreError, StoreErrorKind},
///     testing::{Fault, FaultyStore, StoreCall, VirtualClock},
/// };
///
/// #[durable::workflow]
/// async fn order(ctx: &Ctx, total: u32) -> durable::Result<u32> {
///     Ok(ctx.step("charge", |_| async move { Ok::<_, Failure>(total) }).await?)
/// }
///
/// # #[tokio::main]
/// # async fn main() -> durable::Result<()> {
/// let clock = VirtualClock::new();
/// let store = FaultyStore::new(MemoryStore::new())
///     .with_clock(Arc::new(clock.clone()))
///     // The second commit happens, and its reply is lost; of the others, one call in twenty fails.
///     .with_fault(StoreCall::Commit, 2, Fault::After)
///     .with_seed(7, 20)
///     // Some runs cannot be loaded.
///     .with_loading_rule(|run| {
///         let damaged = run.id.as_str() == "damaged";
///         damaged.then(|| StoreError::new(StoreErrorKind::Unavailable, "cannot be read"))
///     });
/// let engine = Engine::builder().clock(clock).start(store.clone()).await?;
/// let run = engine.client().start::<order>("order-1", 30).await?;
/// assert_eq!(run.result().await?, 30);
/// assert!(store.calls(StoreCall::Commit) >= 2);
/// assert!(store.faults() >= 1);
/// # engine.shutdown().await
/// # }
/// ```
#[derive(Clone)]
pub struct FaultyStore {
    inner: Arc<dyn Store>,
    plan: Arc<Mutex<Plan>>,
    rules: Vec<Arc<Rule>>,
    loading: Vec<Arc<LoadingRule>>,
    hints: Option<Arc<Hints>>,
    clock: Option<Arc<dyn Clock>>,
}

type Rule = dyn Fn(&Batch) -> Option<BatchFault> + Send + Sync;
type Hints = dyn Fn() -> Hint + Send + Sync;
type LoadingRule = dyn Fn(&LoadedRun) -> Option<StoreError> + Send + Sync;

/// What becomes of a batch for what is in it.
#[derive(Debug)]
pub enum BatchFault {
    /// It fails with this error, and nothing of it is written.
    Before(StoreError),
    /// It is written, and fails with this error all the same.
    After(StoreError),
}

/// A method of the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "each is the method of the same name")]
pub enum StoreCall {
    Commit,
    Claim,
    RegisterWorker,
    RenewLease,
    ReleaseStrays,
    RetireWorker,
    Reap,
    ClaimParked,
    Find,
    Read,
    Owned,
    Unread,
    Mailbox,
    History,
    Children,
    List,
    Close,
    ClaimRun,
}

impl StoreCall {
    /// The calls that a worker makes by itself. All others are made for a client, who gets the error.
    pub const OF_WORKERS: [Self; 10] = [
        Self::Commit,
        Self::Claim,
        Self::ClaimRun,
        Self::ClaimParked,
        Self::RenewLease,
        Self::ReleaseStrays,
        Self::Reap,
        Self::Owned,
        Self::Unread,
        Self::Mailbox,
    ];
}

/// What becomes of a call.
#[derive(Debug, Clone)]
pub enum Fault {
    /// It fails, and nothing happens.
    Before,
    /// It happens, and its reply is lost.
    After,
    /// It happens, and its reply comes when this is notified.
    Held(Arc<Notify>),
}

#[derive(Debug, Default)]
struct Plan {
    calls: BTreeMap<StoreCall, u64>,
    faults: u64,
    by_number: BTreeMap<(StoreCall, u64), Fault>,
    by_seed: Option<Seeded>,
}

#[derive(Debug, Clone, Copy)]
struct Seeded {
    seed: i64,
    one_in: u32,
}

impl FaultyStore {
    /// A store without faults.
    pub fn new(inner: impl Store) -> Self {
        Self {
            inner: Arc::new(inner),
            plan: Arc::default(),
            rules: Vec::new(),
            loading: Vec::new(),
            hints: None,
            clock: None,
        }
    }

    /// Has batches fail for what is in them: those of which `rule` says so.
    ///
    /// ```
    /// use durable_runtime::{
    ///     store::{MemoryStore, StoreError, StoreErrorKind},
    ///     testing::{BatchFault, FaultyStore},
    /// };
    ///
    /// // A database that takes no batch of more than ten commits in time.
    /// let store = FaultyStore::new(MemoryStore::new()).with_rule(|batch| {
    ///     let late = || StoreError::new(StoreErrorKind::Unavailable, "no answer").timed_out();
    ///     (batch.commits.len() > 10).then(|| BatchFault::Before(late()))
    /// });
    /// # let _ = store;
    /// ```
    #[must_use]
    pub fn with_rule(
        mut self,
        rule: impl Fn(&Batch) -> Option<BatchFault> + Send + Sync + 'static,
    ) -> Self {
        self.rules.push(Arc::new(rule));
        self
    }

    /// Has claims fail for the runs that they take: with the error that `rule` has for one of them. The runs
    /// are taken all the same.
    #[must_use]
    pub fn with_loading_rule(
        mut self,
        rule: impl Fn(&LoadedRun) -> Option<StoreError> + Send + Sync + 'static,
    ) -> Self {
        self.loading.push(Arc::new(rule));
        self
    }

    /// Has hints of other processes come without end.
    ///
    /// ```
    /// use durable::{store::{Hint, MemoryStore}, testing::FaultyStore};
    ///
    /// // As if another process had written something all the time.
    /// let store = FaultyStore::new(MemoryStore::new()).with_hints(|| Hint::due());
    /// # let _ = store;
    /// ```
    #[must_use]
    pub fn with_hints(mut self, next: impl Fn() -> Hint + Send + Sync + 'static) -> Self {
        self.hints = Some(Arc::new(next));
        self
    }

    /// Has the store tell the time by this clock.
    #[must_use]
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = Some(clock);
        self
    }

    /// Whether runs that were taken can be loaded.
    fn load<'r>(&self, runs: impl IntoIterator<Item = &'r LoadedRun>) -> Result<(), StoreError> {
        let mut faults = runs
            .into_iter()
            .flat_map(|run| self.loading.iter().filter_map(|rule| rule(run)));
        faults.next().map_or(Ok(()), Err)
    }

    /// Writes a batch, unless a rule is against it.
    async fn write(&self, batch: &Batch) -> Result<BatchOutcome, StoreError> {
        match self.rules.iter().find_map(|rule| rule(batch)) {
            None => self.inner.commit(batch).await,
            Some(BatchFault::Before(error)) => Err(error),
            Some(BatchFault::After(error)) => {
                self.inner.commit(batch).await?;
                Err(error)
            }
        }
    }

    /// Makes the call number `nth`, from 1, of a method suffer a fault.
    #[must_use]
    pub fn with_fault(self, call: StoreCall, nth: u64, fault: Fault) -> Self {
        self.plan().by_number.insert((call, nth), fault);
        self
    }

    /// Makes one in `one_in` of the calls of workers fail, before or after they happen, as drawn from
    /// a seed. With 1, no call would ever succeed, and no engine would get anywhere.
    #[must_use]
    pub fn with_seed(self, seed: i64, one_in: u32) -> Self {
        self.plan().by_seed = Some(Seeded { seed, one_in });
        self
    }

    /// How often a method was called.
    pub fn calls(&self, call: StoreCall) -> u64 {
        self.plan().calls.get(&call).copied().unwrap_or_default()
    }

    /// How many calls suffered a fault.
    pub fn faults(&self) -> u64 {
        self.plan().faults
    }

    fn plan(&self) -> MutexGuard<'_, Plan> {
        self.plan.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes a call, with the fault that is its due.
    async fn make<'s, T>(
        &'s self,
        call: StoreCall,
        make: impl FnOnce(&'s dyn Store) -> StoreFuture<'s, T>,
    ) -> Result<T, StoreError> {
        let fault = self.plan().next(call);
        if matches!(fault, Some(Fault::Before)) {
            return Err(failed(call, "before it happened"));
        }
        let reply = make(&*self.inner).await;
        match fault {
            Some(Fault::After) => Err(failed(call, "after it happened")),
            Some(Fault::Held(until)) => {
                until.notified().await;
                reply
            }
            _ => reply,
        }
    }
}

fn failed(call: StoreCall, when: &str) -> StoreError {
    let message = format!("a test has {call:?} fail {when}");
    StoreError::new(StoreErrorKind::Unavailable, message)
}

impl Plan {
    fn next(&mut self, call: StoreCall) -> Option<Fault> {
        let calls = self.calls.entry(call).or_default();
        *calls += 1;
        let fault = self.by_number.remove(&(call, *calls));
        let fault = fault.or_else(|| self.by_seed?.draw(call, *calls));
        self.faults += u64::from(fault.is_some());
        fault
    }
}

impl Seeded {
    fn draw(self, call: StoreCall, nth: u64) -> Option<Fault> {
        if !StoreCall::OF_WORKERS.contains(&call) {
            return None;
        }
        let nth = u32::try_from(nth).unwrap_or(u32::MAX);
        let share = 1.0 / f64::from(self.one_in.max(1));
        let drawn = unit(self.seed.wrapping_add(call as i64), nth);
        (drawn < share).then_some(if drawn < share / 2.0 {
            Fault::Before
        } else {
            Fault::After
        })
    }
}

impl fmt::Debug for FaultyStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FaultyStore")
            .field("inner", &self.inner)
            .finish_non_exhaustive()
    }
}

impl Store for FaultyStore {
    fn commit<'a>(&'a self, batch: &'a Batch) -> StoreFuture<'a, BatchOutcome> {
        Box::pin(self.make(StoreCall::Commit, |_| Box::pin(self.write(batch))))
    }

    fn settle(&self, batch: BatchId) -> StoreFuture<'_, bool> {
        self.inner.settle(batch)
    }

    fn claim(&self, claim: Claim) -> StoreFuture<'_, Claimed> {
        Box::pin(async move {
            let claimed = self.make(StoreCall::Claim, move |store| store.claim(claim));
            let claimed = claimed.await?;
            self.load(&claimed.runs)?;
            Ok(claimed)
        })
    }

    fn claim_run(
        &self,
        worker: WorkerId,
        now: Timestamp,
        run: RunKey,
    ) -> StoreFuture<'_, Option<LoadedRun>> {
        Box::pin(async move {
            let claimed = self.make(StoreCall::ClaimRun, move |store| {
                store.claim_run(worker, now, run)
            });
            let claimed = claimed.await?;
            self.load(&claimed)?;
            Ok(claimed)
        })
    }

    fn register_worker(&self, worker: NewWorker) -> StoreFuture<'_, WorkerId> {
        Box::pin(self.make(StoreCall::RegisterWorker, move |store| {
            store.register_worker(worker)
        }))
    }

    fn renew_lease(&self, worker: WorkerId, lease_until: Timestamp) -> StoreFuture<'_, bool> {
        Box::pin(self.make(StoreCall::RenewLease, move |store| {
            store.renew_lease(worker, lease_until)
        }))
    }

    fn release_strays<'a>(
        &'a self,
        worker: WorkerId,
        residents: &'a [RunKey],
    ) -> StoreFuture<'a, u64> {
        Box::pin(self.make(StoreCall::ReleaseStrays, move |store| {
            store.release_strays(worker, residents)
        }))
    }

    fn retire_worker(&self, worker: WorkerId) -> StoreFuture<'_, u64> {
        Box::pin(self.make(StoreCall::RetireWorker, move |store| {
            store.retire_worker(worker)
        }))
    }

    fn leases(&self) -> StoreFuture<'_, Vec<(WorkerId, Timestamp)>> {
        self.inner.leases()
    }

    fn end_leases<'a>(&'a self, leases: &'a [(WorkerId, Timestamp)]) -> StoreFuture<'a, ()> {
        self.inner.end_leases(leases)
    }

    fn reap(&self, now: Timestamp) -> StoreFuture<'_, u64> {
        Box::pin(self.make(StoreCall::Reap, move |store| store.reap(now)))
    }

    fn claim_parked(&self, claim: Claim) -> StoreFuture<'_, Vec<LoadedRun>> {
        Box::pin(async move {
            let claimed = self.make(StoreCall::ClaimParked, move |store| {
                store.claim_parked(claim)
            });
            let runs = claimed.await?;
            self.load(&runs)?;
            Ok(runs)
        })
    }

    fn find<'a>(&'a self, id: &'a RunId) -> StoreFuture<'a, Option<RunRecord>> {
        Box::pin(self.make(StoreCall::Find, move |store| store.find(id)))
    }

    fn read(&self, run: RunKey) -> StoreFuture<'_, Option<RunRecord>> {
        Box::pin(self.make(StoreCall::Read, move |store| store.read(run)))
    }

    fn owned(&self, worker: WorkerId) -> StoreFuture<'_, Option<Vec<Owned>>> {
        Box::pin(self.make(StoreCall::Owned, move |store| store.owned(worker)))
    }

    fn unread(&self, worker: WorkerId) -> StoreFuture<'_, Vec<RunKey>> {
        Box::pin(self.make(StoreCall::Unread, move |store| store.unread(worker)))
    }

    fn mailbox(&self, run: RunKey) -> StoreFuture<'_, Vec<Mail>> {
        Box::pin(self.make(StoreCall::Mailbox, move |store| store.mailbox(run)))
    }

    fn mailboxes<'a>(
        &'a self,
        runs: &'a [(RunKey, MailId)],
        limit: usize,
    ) -> StoreFuture<'a, Vec<(RunKey, Result<Mail, StoreError>)>> {
        Box::pin(self.make(StoreCall::Mailbox, move |store| {
            store.mailboxes(runs, limit)
        }))
    }

    fn history(&self, run: RunKey) -> StoreFuture<'_, Vec<Event>> {
        Box::pin(self.make(StoreCall::History, move |store| store.history(run)))
    }

    fn children(&self, run: RunKey) -> StoreFuture<'_, Vec<RunRecord>> {
        Box::pin(self.make(StoreCall::Children, move |store| store.children(run)))
    }

    fn list<'a>(&'a self, query: &'a RunQuery) -> StoreFuture<'a, RunPage> {
        Box::pin(self.make(StoreCall::List, move |store| store.list(query)))
    }

    fn clock(&self) -> Option<Arc<dyn Clock>> {
        self.clock.clone().or_else(|| self.inner.clock())
    }

    fn hint(&self) -> Pin<Box<dyn Future<Output = Hint> + Send + '_>> {
        match &self.hints {
            None => self.inner.hint(),
            Some(next) => Box::pin(async move {
                yield_now().await;
                next()
            }),
        }
    }

    fn is_hinted(&self) -> bool {
        self.inner.is_hinted()
    }

    fn runtime(&self) -> Option<Handle> {
        self.inner.runtime()
    }

    fn close(&self) -> StoreFuture<'_, ()> {
        Box::pin(self.make(StoreCall::Close, Store::close))
    }
}
