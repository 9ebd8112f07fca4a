//! The engine: a worker and its client in one process.

use std::{sync::Arc, time::Duration};

use tokio::sync::mpsc;

use crate::{
    client::{Client, Link},
    clock::{Clock, Steady, SystemClock},
    context::AppState,
    error::{Error, ErrorKind},
    limits::Limits,
    observe,
    registry::Registry,
    store::{MemoryStore, Named, NewWorker, Store},
    worker::{Lease, Shared, Tuning, WorkerThread},
};

/// A running engine: takes up whatever a dead process left behind, and drives runs until it is shut
/// down or dropped. Dropping it is like a crash: steps under way are cut off, nothing is lost, and the next
/// engine goes on. The database is let go of when the drop returns, whatever handles live, unless that
/// takes longer than a second.
///
/// ```standalone_crate
/// use durable::prelude::*;
///
/// #[durable::workflow]
/// async fn greeting(ctx: &Ctx, name: String) -> durable::Result<String> {
///     Ok(ctx.step("greet", async |_| Ok::<_, Failure>(format!("hello, {name}"))).await?)
/// }
///
/// # #[tokio::main]
/// # async fn main() -> durable::Result<()> {
/// let engine = Engine::open("memory:").await?;
/// let run = engine.client().start::<greeting>("greeting-1", "Ada".to_owned()).await?;
/// assert_eq!(run.result().await?, "hello, Ada");
/// engine.shutdown().await
/// # }
/// ```
#[derive(Debug)]
pub struct Engine {
    shared: Arc<Shared>,
    worker: WorkerThread,
}

impl Engine {
    /// Opens a database and starts a worker on it:
    ///
    /// - `sqlite://orders.db`, or a plain path: a SQLite file, created if missing;
    /// - `postgres://user:password@host/database`: PostgreSQL 14 or later, with the feature `postgres`; the
    ///   tables are made in a schema of their own;
    /// - `memory:`: a store that ends with the engine, for tests.
    ///
    /// User code runs on the tokio runtime that this is called on.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Store`] when the database cannot be opened, [`ErrorKind::DuplicateWorkflow`],
    /// [`ErrorKind::MissingState`] when a workflow reads application state: give it with
    /// [`Engine::builder`].
    pub async fn open(url: &str) -> Result<Self, Error> {
        Self::builder().open(url).await
    }

    /// An engine with settings and application state.
    pub fn builder() -> EngineBuilder {
        EngineBuilder::default()
    }

    /// A client of this engine.
    pub fn client(&self) -> Client {
        Client::new(Link::to_engine(Arc::clone(&self.shared)))
    }

    /// Stops taking runs, lets running step bodies finish for up to
    /// [`shutdown_grace`](EngineBuilder::shutdown_grace), gives all runs back to the database and
    /// closes it. Suspended and half-done runs go on when an engine is opened again.
    ///
    /// It ends within the grace whatever the database does, or a second later when the steps have used
    /// it up. When its future is dropped, the engine is, too.
    ///
    /// # Errors
    ///
    /// An [`Error`] of [`ErrorKind::NotGivenBack`], which names the runs that the database did not take
    /// back in time: other workers take them over when this one's lease ends.
    /// [`ErrorKind::ShutDown`] when the engine was broken before.
    pub async fn shutdown(self) -> Result<(), crate::failure::BoxError> {
        Ok(self.worker.shut_down().await?)
    }
}

/// Settings of an [`Engine`].
///
/// ```standalone_crate
/// use std::time::Duration;
/// use durable::{
///     Limits, graph::Registry, prelude::*, store::MemoryStore, testing::VirtualClock,
/// };
///
/// struct Currency(&'static str);
///
/// #[durable::workflow]
/// async fn invoice(ctx: &Ctx, total: u32) -> durable::Result<String> {
///     ctx.sleep("due", Duration::from_secs(86_400)).await?;
///     Ok(format!("{total} {}", ctx.state::<Currency>().0))
/// }
///
/// # #[tokio::main]
/// # async fn main() -> durable::Result<()> {
/// let mut limits = Limits::default();
/// limits.resident_runs_max = 100;
/// let engine = Engine::builder()
///     .state(Currency("EUR"))
///     .limits(limits)
///     .shutdown_grace(Duration::from_secs(30))
///     .cancel_grace(Duration::from_secs(5))
///     .lease(Duration::from_secs(20))
///     .linger(Duration::from_secs(1))
///     .clock(VirtualClock::new())
///     .registry(Registry::linked()?)
///     // Or `open`, with an address.
///     .start(MemoryStore::new())
///     .await?;
/// let run = engine.client().start::<invoice>("invoice-1", 30).await?;
/// assert_eq!(run.result().await?, "30 EUR");
/// # engine.shutdown().await
/// # }
/// ```
#[derive(Debug, Default)]
#[must_use = "an engine is started by `open` or `start`"]
pub struct EngineBuilder {
    state: AppState,
    limits: Limits,
    tuning: Tuning,
    clock: Option<Arc<dyn Clock>>,
    registry: Option<Registry>,
}

impl EngineBuilder {
    /// Gives workflows and steps a value to read with `ctx.state::<T>()`; one per type.
    pub fn state<T: Send + Sync + 'static>(mut self, value: T) -> Self {
        self.state.insert(value);
        self
    }

    /// The bounds to keep.
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits.bounded();
        self
    }

    /// How long step bodies may go on after a shutdown was asked for; 10 s if not set.
    pub fn shutdown_grace(mut self, grace: Duration) -> Self {
        self.tuning.shutdown_grace = grace;
        self
    }

    /// How long a step body that awaits [`StepCtx::canceled`](crate::context::StepCtx::canceled) may
    /// go on after its run was canceled; 10 s if not set.
    pub fn cancel_grace(mut self, grace: Duration) -> Self {
        self.tuning.cancel_grace = grace;
        self
    }

    /// How long a worker that is not heard of keeps its runs; 15 s if not set. From a tenth of a second to
    /// a day: less counts as the one, more as the other.
    pub fn lease(mut self, lease: Duration) -> Self {
        self.tuning.lease = lease.clamp(Duration::from_millis(100), Duration::from_secs(86_400));
        self
    }

    /// How long a run that only waits stays in memory; 5 s if not set.
    pub fn linger(mut self, linger: Duration) -> Self {
        self.tuning.linger = linger;
        self
    }

    /// Where the time comes from; if not set, the clock that all workers on the database share: that of
    /// the PostgreSQL server, or the machine's.
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Some(Arc::new(clock));
        self
    }

    /// The workflows to run; every linked one if not set.
    pub fn registry(mut self, registry: Registry) -> Self {
        self.registry = Some(registry);
        self
    }

    /// Opens a database and starts the engine; see [`Engine::open`].
    ///
    /// # Errors
    ///
    /// As [`Engine::open`].
    pub async fn open(self, url: &str) -> Result<Engine, Error> {
        match Named::by(url)? {
            Named::Memory => self.start(MemoryStore::new()).await,
            #[cfg(feature = "postgres")]
            Named::Postgres(_) => {
                let store = crate::store::PostgresStore::open(url).await?;
                self.start(store).await
            }
            #[cfg(not(feature = "postgres"))]
            Named::Postgres(_) => {
                Err(crate::store::StoreError::not_built("PostgreSQL", "postgres").into())
            }
            #[cfg(feature = "sqlite")]
            Named::Sqlite(_) => {
                let store = crate::store::SqliteStore::open(url).await?;
                self.start(store).await
            }
            #[cfg(not(feature = "sqlite"))]
            Named::Sqlite(_) => Err(crate::store::StoreError::not_built("SQLite", "sqlite").into()),
        }
    }

    /// Starts the engine on a store.
    ///
    /// # Errors
    ///
    /// As [`Engine::open`].
    pub async fn start(self, store: impl Store) -> Result<Engine, Error> {
        let registry = match self.registry {
            Some(registry) => registry,
            None => Registry::linked()?,
        };
        for definition in registry.iter() {
            for state in definition.wiring.states() {
                self.state.check(definition.name, state)?;
            }
        }
        let store: Arc<dyn Store> = Arc::new(store);
        let clock = self.clock.or_else(|| store.clock());
        let clock = clock.unwrap_or_else(|| Arc::new(SystemClock));
        let steady = Steady::of(Arc::clone(&clock));
        let asked = steady.now();
        let worker = NewWorker {
            lease_until: clock.now().after(self.tuning.lease),
            workflows: Some(registry.all_names()),
        };
        let worker = store.register_worker(worker).await?;
        observe::worker::started(worker);
        let lease = Lease::granted(self.tuning.lease, asked);
        let (sender, requests) = mpsc::unbounded_channel();
        let shared = Shared::new(
            store,
            clock,
            registry,
            self.state,
            self.limits,
            self.tuning,
            sender,
            steady,
            lease,
            worker,
        );
        let worker = WorkerThread::spawn(Arc::clone(&shared), requests).map_err(|error| {
            Error::new(
                ErrorKind::Store,
                format!("the worker's thread cannot be started: {error}"),
            )
        })?;
        Ok(Engine { shared, worker })
    }
}
