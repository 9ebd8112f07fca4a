//! The context of a workflow body.

use std::{
    borrow::Cow,
    fmt,
    ops::Deref,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime},
};

use super::{
    AppState, Cancellation, Child, Data, SignalWait, Sleep, Step, StepKey, Workflow, kept::Kept,
};
use crate::{
    failure::UserError,
    journal::{Payload, RunId, StepId, Timestamp},
    replay::{Blueprint, Due, Machine, OperationIndex},
};

/// The context of a run: the only way for a workflow's body to touch the world.
///
/// Every method that takes a name builds a durable operation: its result is recorded, and a body that
/// runs again after a crash gets the recorded result instead of a second execution.
///
/// ```standalone_crate
/// use std::time::Duration;
/// use durable::{prelude::*, testing::VirtualClock};
///
/// struct Currency(&'static str);
///
/// #[durable::workflow]
/// async fn parcel(_ctx: &Ctx, number: u32) -> durable::Result<u32> {
///     Ok(number + 1)
/// }
///
/// #[durable::steps]
/// async fn bill(ctx: Ctx, total: u32) -> durable::Result<u32> {
///     Ok(ctx.step("charge", |_| async move { Ok::<_, Failure>(total) }).await?)
/// }
///
/// #[durable::workflow]
/// async fn order(ctx: &Ctx, total: u32) -> durable::Result<String> {
///     let began = ctx.now();
///     let number = ctx.uuid();
///     let lucky = ctx.random() % 100 == 0;
///     // Lines of a log that are not to be repeated.
///     if !ctx.is_replaying() {
///         println!("{}: order {number}, lucky: {lucky}", ctx.run_id());
///     }
///     let paid = bill(ctx.scope("billing"), total).await?;
///     ctx.sleep("cooling_off", Duration::from_secs(3_600)).await?;
///     ctx.sleep_until("a_day_later", began + Duration::from_secs(86_400)).await?;
///     let approved = ctx.signal::<bool>("approval").await?;
///     let parcel = ctx.child::<parcel>("ship", 6).await?;
///     let sent = ctx.step("notify", |_| async move { Ok::<_, Failure>(parcel) }).await?;
///     let currency = ctx.state::<Currency>().0;
///     Ok(format!("{paid} {currency}, parcel {sent}, approved: {approved}"))
/// }
///
/// # #[tokio::main]
/// # async fn main() -> durable::Result<()> {
/// let builder = Engine::builder().state(Currency("EUR")).clock(VirtualClock::new());
/// let engine = builder.open("memory:").await?;
/// let run = engine.client().start::<order>("order-1", 30).await?;
/// run.signal(order::approval, true).await?;
/// assert_eq!(run.result().await?, "30 EUR, parcel 7, approved: true");
/// # engine.shutdown().await
/// # }
/// ```
pub struct Ctx {
    run: SharedRun,
    scope: Arc<str>,
}

/// What a context shares with the worker that drives the run.
pub(crate) struct RunContext {
    machine: Mutex<Machine>,
    pub(crate) id: RunId,
    pub(crate) seed: i64,
    pub(crate) blueprint: &'static dyn Blueprint,
    pub(crate) state: AppState,
    pub(crate) cancellation: Arc<Cancellation>,
    pub(crate) input: Payload,
    pub(super) kept: Kept,
}

impl RunContext {
    pub(crate) fn new(machine: Machine, state: AppState, input: Payload) -> Self {
        let identity = machine.identity();
        Self {
            id: identity.id.clone(),
            seed: identity.seed,
            blueprint: identity.blueprint,
            machine: Mutex::new(machine),
            state,
            cancellation: Arc::default(),
            input,
            kept: Kept::default(),
        }
    }

    /// The machine. No user code runs while it is held, so a poisoned lock is still in good order.
    pub(crate) fn machine(&self) -> MutexGuard<'_, Machine> {
        self.machine.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The run that a context is of. Its type is erased: the compiler proves of each workflow that its context
/// is `Send`, and would look at all that a run is made of every time.
#[derive(Clone)]
pub(crate) struct SharedRun(Arc<dyn HasRun + Send + Sync>);

trait HasRun {
    fn run(&self) -> &RunContext;
}

impl HasRun for RunContext {
    fn run(&self) -> &RunContext {
        self
    }
}

impl SharedRun {
    pub(crate) fn new(run: RunContext) -> Self {
        Self(Arc::new(run))
    }
}

impl Deref for SharedRun {
    type Target = RunContext;

    fn deref(&self) -> &RunContext {
        self.0.run()
    }
}

impl Ctx {
    pub(crate) fn new(run: SharedRun) -> Self {
        Self {
            run,
            scope: "".into(),
        }
    }

    pub(crate) fn run(&self) -> &SharedRun {
        &self.run
    }

    /// Fixes the identity of the operation that is built now.
    fn build(&self, key: &impl StepKey) -> OperationIndex {
        self.run.machine().build(&self.scope, key.name())
    }

    /// The names of the scopes it is in, and the key's own.
    fn path(&self, key: &impl StepKey) -> Cow<'static, str> {
        match &*self.scope {
            "" => Cow::Borrowed(key.name()),
            scope => Cow::Owned(StepId::new(scope, key.name(), 0).path().into_owned()),
        }
    }

    /// A unit of work with effects: executed at least once, recorded once.
    ///
    /// The body is called once per attempt, with the attempt's [`StepCtx`](super::StepCtx). It may
    /// borrow from the workflow. What it returns is journaled before the workflow goes on; when it
    /// fails it is tried again by its [retry policy](Step::retry), three attempts if not set.
    ///
    /// # Errors
    ///
    /// The awaited step gives back a [`Failure`](crate::failure::Failure) when its last attempt
    /// failed.
    pub fn step<'c, K, F, Fut, T, E>(&'c self, key: K, body: F) -> Step<'c, T>
    where
        K: StepKey,
        F: Fn(super::StepCtx) -> Fut + Send + Sync + 'c,
        Fut: Future<Output = Result<T, E>> + Send + 'c,
        T: Data,
        E: UserError,
    {
        Step::new(self, self.build(&key), body)
    }

    /// Sleeps for a duration. The run survives crashes while it sleeps, and long sleeps cost a row in
    /// the database and no memory.
    pub fn sleep(&self, key: impl StepKey, duration: Duration) -> Sleep<'_> {
        Sleep::new(self, self.build(&key), Due::After(duration))
    }

    /// Sleeps until a point in time; not at all when it has passed.
    pub fn sleep_until(&self, key: impl StepKey, at: impl Into<Timestamp>) -> Sleep<'_> {
        Sleep::new(self, self.build(&key), Due::At(at.into()))
    }

    /// Waits for a signal of this name. A signal that came before the wait is taken at once; signals
    /// of one name are taken in the order in which they came.
    pub fn signal<T: Data>(&self, key: impl StepKey) -> SignalWait<'_, T> {
        SignalWait::new(self, self.build(&key), self.path(&key))
    }

    /// Starts a child run and waits for its result. Its id is this run's id, `/`, and the step's name.
    /// Its failure, or its cancellation, is this operation's failure.
    pub fn child<W: Workflow>(&self, key: impl StepKey, input: W::Input) -> Child<'_, W::Output> {
        Child::new::<W>(self, self.build(&key), &input)
    }

    /// The context of a fragment, for a call of a `#[durable::steps]` fn:
    /// `bill(ctx.scope("billing"), ..).await?`.
    ///
    /// The names of the fragment's operations are recorded after the scope's: `billing/charge`. In a
    /// loop a scope counts up as an operation does: `billing#1/charge`.
    pub fn scope(&self, key: impl StepKey) -> Self {
        let scope = self.run.machine().enter(&self.scope, key.name());
        Self {
            run: self.run.clone(),
            scope: scope.as_str().into(),
        }
    }

    /// The time, as recorded: the same on every replay. It moves when an operation completes.
    pub fn now(&self) -> SystemTime {
        self.run.machine().now().into()
    }

    /// A random UUID (version 4), the same on every replay.
    pub fn uuid(&self) -> uuid::Uuid {
        let mut machine = self.run.machine();
        let (high, low) = (machine.random(), machine.random());
        uuid::Builder::from_random_bytes(((u128::from(high) << 64) | u128::from(low)).to_be_bytes())
            .into_uuid()
    }

    /// A random number, the same on every replay.
    pub fn random(&self) -> u64 {
        self.run.machine().random()
    }

    /// The application state of this type, as given to the engine.
    ///
    /// # Panics
    ///
    /// When the engine was given no such state. An engine refuses to start when a workflow that it
    /// has registered reads state that is missing, so this is reached only through a helper fn.
    pub fn state<T: Send + Sync + 'static>(&self) -> &T {
        self.run.state.expect::<T>()
    }

    /// The id of this run.
    pub fn run_id(&self) -> &RunId {
        &self.run.id
    }

    /// Whether the body is being replayed: what it does now was done before.
    pub fn is_replaying(&self) -> bool {
        self.run.machine().is_replaying()
    }
}

impl fmt::Debug for Ctx {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.scope {
            "" => write!(f, "Ctx({})", self.run.id),
            scope => write!(f, "Ctx({} in {scope})", self.run.id),
        }
    }
}

impl fmt::Debug for RunContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RunContext({})", self.id)
    }
}
