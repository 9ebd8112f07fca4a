//! What the dispatcher, the tasks and the clients of one engine share.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicI64, Ordering},
    },
    time::Duration,
};

use tokio::{
    runtime::Handle,
    sync::{mpsc, oneshot, watch},
};

use super::{
    Request,
    lease::Lease,
    life::Life,
    pace::Pace,
    residents::{Residents, Waiting},
    slot::Input,
    timers::Timers,
};
use crate::{
    clock::{Clock, Steady, SystemClock},
    context::AppState,
    journal::{RunId, RunKey, StepId, Timestamp, WorkerId},
    limits::Limits,
    observe,
    registry::Registry,
    replay::{MachineLimits, Residency},
    store::{Store, StoreError},
};

/// The times an engine works by.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tuning {
    pub(crate) lease: Duration,
    pub(crate) poll: Duration,
    pub(crate) linger: Duration,
    pub(crate) cancel_grace: Duration,
    pub(crate) shutdown_grace: Duration,
}

impl Default for Tuning {
    fn default() -> Self {
        Self {
            lease: Duration::from_secs(15),
            poll: Duration::from_secs(1),
            linger: Duration::from_secs(5),
            cancel_grace: Duration::from_secs(10),
            shutdown_grace: Duration::from_secs(10),
        }
    }
}

/// One engine's insides.
pub(crate) struct Shared {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) clock: Arc<dyn Clock>,
    /// What the engine's own rhythm goes by.
    pub(super) steady: Steady,
    pub(crate) registry: Registry,
    pub(crate) state: AppState,
    pub(crate) limits: Limits,
    pub(crate) tuning: Tuning,
    pub(crate) residents: Residents,
    pub(super) timers: Timers,
    pub(super) requests: mpsc::UnboundedSender<Request>,
    /// Where user code runs.
    pub(super) runtime: Handle,
    pub(super) pace: Pace,
    /// Counts batches, for those who wait for a run to change.
    pub(crate) batches: watch::Sender<u64>,
    /// What the store says while it fails; `None` while it works.
    pub(crate) trouble: watch::Sender<Option<String>>,
    /// Whether this worker has tried every run that was parked when it started.
    pub(crate) parked_were_tried: watch::Sender<bool>,
    pub(super) lease: Lease,
    /// Whether the database may say something else than the memory of this worker: a call failed, or
    /// hints were lost.
    pub(super) is_in_doubt: AtomicBool,
    worker: AtomicI64,
    /// Where the engine is in its life; and whether it ends, to be read at each step.
    pub(super) life: watch::Sender<Life>,
    pub(super) stopping: AtomicBool,
}

impl Shared {
    #[expect(
        clippy::too_many_arguments,
        reason = "the one place where an engine is put together"
    )]
    pub(crate) fn new(
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        registry: Registry,
        state: AppState,
        limits: Limits,
        tuning: Tuning,
        requests: mpsc::UnboundedSender<Request>,
        steady: Steady,
        lease: Lease,
        worker: WorkerId,
    ) -> Arc<Self> {
        Arc::new(Self {
            store,
            pace: Pace::of(&clock),
            clock,
            steady,
            registry,
            state,
            limits,
            tuning,
            residents: Residents::default(),
            timers: Timers::default(),
            requests,
            runtime: Handle::current(),
            batches: watch::Sender::new(0),
            trouble: watch::Sender::new(None),
            parked_were_tried: watch::Sender::new(false),
            lease,
            is_in_doubt: AtomicBool::new(false),
            worker: AtomicI64::new(worker.get()),
            life: watch::Sender::new(Life::Running),
            stopping: AtomicBool::new(false),
        })
    }

    /// What a client stands on that has a database and no engine: nothing is driven here.
    pub(crate) fn of_client(
        store: Arc<dyn Store>,
        registry: Registry,
        limits: Limits,
        requests: mpsc::UnboundedSender<Request>,
        sender: WorkerId,
    ) -> Arc<Self> {
        let clock = store.clock().unwrap_or_else(|| Arc::new(SystemClock));
        let shared = Self::new(
            store,
            Arc::clone(&clock),
            registry,
            AppState::default(),
            limits,
            Tuning::default(),
            requests,
            Steady::of(clock),
            Lease::none(),
            sender,
        );
        // There is no build here that might revive one.
        shared.parked_were_tried.send_replace(true);
        shared
    }

    /// Whether runs are driven here; if not, clients are served and nothing else.
    pub(crate) fn drives(&self) -> bool {
        !self.worker().is_client()
    }

    pub(crate) fn worker(&self) -> WorkerId {
        WorkerId::new(self.worker.load(Ordering::Acquire))
    }

    pub(super) fn set_worker(&self, worker: WorkerId) {
        self.worker.store(worker.get(), Ordering::Release);
    }

    /// Whether user code with effects may start: a worker that may have lost its runs, or that ends,
    /// starts none.
    pub(super) fn may_start_steps(&self, now: Timestamp) -> bool {
        !self.is_stopping() && !self.lease.has_ended(self.steady.at(now))
    }

    /// How long to wait before looking for what other processes have done: where they give hints, it is
    /// enough to look as often as the lease is renewed.
    pub(crate) fn poll(&self) -> Duration {
        if self.store.is_hinted() {
            self.tuning.poll.max(self.tuning.lease / 3)
        } else {
            self.tuning.poll
        }
    }

    pub(crate) fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Acquire)
    }

    /// Drops every run in memory.
    pub(super) fn drop_all(&self) {
        for slot in self.residents.all() {
            self.residents.remove(&slot);
            slot.push(Input::Drop);
        }
    }

    /// When it is, by the engine's clock, at this steady time.
    pub(super) fn wall(&self, at: Duration) -> Timestamp {
        let now = self.clock.now();
        now.after(at.saturating_sub(self.steady.at(now)))
    }

    pub(crate) fn note_success(&self) {
        let was_trouble = self
            .trouble
            .send_if_modified(|trouble| trouble.take().is_some());
        if was_trouble {
            observe::worker::store_works();
        }
    }

    pub(crate) fn note_trouble(&self, error: &StoreError) {
        self.doubt();
        match self.trouble.send_replace(Some(error.to_string())) {
            None => observe::worker::store_failed(error),
            Some(_) => observe::worker::store_fails_still(error),
        }
    }

    /// The steps of a run with an attempt in flight in this process, and which attempt. Nothing when the
    /// run is not in memory here, or its body blocks its thread.
    pub(crate) async fn attempts(&self, run: RunKey) -> Vec<(StepId, u32)> {
        let Some(slot) = self.residents.find(run) else {
            return Vec::new();
        };
        let (reply, told) = oneshot::channel();
        slot.push(Input::Tell(reply));
        let told = tokio::time::timeout(Duration::from_millis(200), told).await;
        told.ok().and_then(Result::ok).unwrap_or_default()
    }

    /// Waits for a run to end.
    pub(crate) fn wait(&self, run: RunKey, id: &RunId) -> Waiting<'_> {
        self.residents.wait(&self.pace, run, id)
    }

    /// Has the dispatcher compare what is in memory with what the database says.
    pub(super) fn doubt(&self) {
        self.is_in_doubt.store(true, Ordering::Release);
    }

    /// Hands a request to the dispatcher. `false` when the engine has ended.
    pub(crate) fn request(&self, request: Request) -> bool {
        self.pace.stir();
        self.requests.send(request).is_ok()
    }

    /// The worker that takes a run started now: this one while it has room, else whoever has.
    pub(crate) fn owner_for_start(&self) -> Option<WorkerId> {
        let room = self.drives() && self.residents.len() < self.limits.resident_runs_max;
        (room && !self.is_stopping()).then(|| self.worker())
    }

    pub(super) fn residency(&self) -> Residency {
        let pressed = self.residents.len() > self.limits.resident_runs_max / 2;
        Residency {
            linger: self.tuning.linger,
            pressed,
        }
    }

    pub(super) fn machine_limits(&self) -> MachineLimits {
        MachineLimits {
            history_max: self.limits.history_max,
            payload_bytes_max: self.limits.payload_bytes_max,
            commit_bytes_max: self.limits.commit_bytes_max,
            cancel_grace: self.tuning.cancel_grace,
        }
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared")
            .field("store", &self.store)
            .finish_non_exhaustive()
    }
}
