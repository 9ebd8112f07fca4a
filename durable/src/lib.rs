//! Durable execution for Rust.
//!
//! Write an async fn, annotate it, and it survives crashes: the engine journals the result of each
//! step in SQLite, and after a crash, a deploy or a year's sleep the run continues where it was.
//!
//! ```
//! use durable::prelude::*;
//!
//! #[derive(serde::Serialize, serde::Deserialize)]
//! struct Order {
//!     card: String,
//!     total: u32,
//! }
//!
//! /// Takes an order from payment to delivery.
//! #[durable::workflow]
//! async fn order(ctx: &Ctx, input: Order) -> durable::Result<String> {
//!     let payment = ctx
//!         .step("charge", |step| charge(&input, step.idempotency_key()))
//!         .retry(Retry::exponential().max_attempts(5))
//!         .compensate(refund)
//!         .await?;
//!     ctx.sleep("cooling_off", std::time::Duration::from_millis(1)).await?;
//!     let approved = ctx.signal::<bool>("approval").await?;
//!     Ok(format!("payment {payment}, approved: {approved}"))
//! }
//!
//! async fn charge(order: &Order, _key: String) -> Result<u32, std::io::Error> {
//!     Ok(order.total)
//! }
//!
//! #[durable::compensate]
//! async fn refund(_step: &StepCtx, _payment: u32) -> Result<(), std::io::Error> {
//!     Ok(())
//! }
//!
//! # #[tokio::main]
//! # async fn main() -> durable::Result<()> {
//! // A file instead of `memory:` makes it durable: "sqlite://orders.db".
//! let engine = durable::Engine::open("memory:").await?;
//! let input = Order { card: "4242".into(), total: 30 };
//! let run = engine.client().start::<order>("order-42", input).await?;
//! run.signal(order::approval, true).await?;
//! assert_eq!(run.result().await?, "payment 30, approved: true");
//! engine.shutdown().await
//! # }
//! ```

// The attributes name this crate by its name, also within it and its documents.
extern crate self as durable;

/// Turns an async fn into a compensation: what undoes a step when its run fails or is canceled later.
///
/// It takes a `&StepCtx` and what the step gave, and returns a `Result<(), E>`. A step names it with
/// [`compensate`](Step::compensate). In place of what the step gave, a `T`, it may take an
/// [`Outcome<T>`](Outcome): then it also undoes a step of which nobody knows whether it had its effect,
/// because an attempt was cut off. The [guide](crate::guide::compensation) has the rules.
///
/// It must be safe to run again: an attempt that a crash cuts off is followed by another.
///
/// Options:
///
/// - `retry = Retry::..`: how often it is tried, and how long it waits in between; ten times if not set,
///   unless its error is permanent.
/// - `timeout = Duration::..`: how long an attempt may take; an hour if not set.
/// - `crate = path`: where this crate is found, if the dependency is renamed.
///
/// ```
/// use durable::prelude::*;
///
/// #[durable::compensate(retry = Retry::exponential().max_attempts(20))]
/// async fn refund(step: &StepCtx, payment: Outcome<u32>) -> durable::Result<()> {
///     match payment {
///         Outcome::Completed(amount) => println!("refunding {amount}, as {}", step.idempotency_key()),
///         Outcome::Unknown => println!("refunding what was charged as {}", step.step_key()),
///     }
///     Ok(())
/// }
///
/// #[durable::workflow]
/// async fn purchase(ctx: &Ctx, amount: u32) -> durable::Result<()> {
///     ctx.step("charge", |_| async move { Ok::<_, String>(amount) }).compensate(refund).await?;
///     Err("out of stock".into())
/// }
///
/// # #[tokio::main]
/// # async fn main() -> durable::Result<()> {
/// # let engine = durable::Engine::open("memory:").await?;
/// let run = engine.client().start::<purchase>("purchase-1", 30).await?;
/// assert!(run.result().await.is_err());
/// let history = engine.client().history("purchase-1").await?;
/// assert!(history.iter().any(|event| event.kind.name() == "compensated"));
/// # engine.shutdown().await
/// # }
/// ```
pub use durable_macros::compensate;
/// Turns an async fn into a fragment: durable operations that several workflows share.
///
/// Its first parameter is a [`Ctx`] by value, which a caller gets from `ctx.scope("a_name")`; further
/// parameters are of any type and may be borrowed. The names of its operations are recorded after the
/// scope's (`billing/charge`), so a fragment may be called several times, in a loop, side by side, and
/// from other fragments. The one option is `crate = path`, for a renamed dependency.
///
/// ```
/// use durable::prelude::*;
///
/// #[durable::steps]
/// async fn bill(ctx: Ctx, card: &str) -> durable::Result<u32> {
///     let approved = ctx.signal::<bool>("approval").await?;
///     let amount = if approved { 30 } else { 0 };
///     Ok(ctx.step("charge", |_| async move { Ok::<_, String>(amount) }).await?)
/// }
///
/// #[durable::workflow]
/// async fn subscription(ctx: &Ctx, card: String) -> durable::Result<u32> {
///     Ok(bill(ctx.scope("billing"), &card).await?)
/// }
///
/// # #[tokio::main]
/// # async fn main() -> durable::Result<()> {
/// # let engine = durable::Engine::open("memory:").await?;
/// let run = engine.client().start::<subscription>("subscriber-1", "4242".into()).await?;
/// // The signal of the fragment, as `subscription` waits for it: `billing/approval`.
/// run.signal(subscription::billing.signal(bill::approval), true).await?;
/// assert_eq!(run.result().await?, 30);
/// # engine.shutdown().await
/// # }
/// ```
pub use durable_macros::steps;
/// Turns an async fn into a workflow, and registers it.
///
/// It takes a `&Ctx` and at most one input, and returns a `Result`. The fn stays as it is; beside it,
/// under its own name, the attribute puts an enum of its operations, which implements [`Workflow`]. The
/// body may await durable operations and nothing else; what else it may not do, the compiler says.
///
/// Options:
///
/// - `name = "shipping"`: the name that runs are recorded under, if it is not the fn's.
/// - `was = "ship"`: a name that runs were recorded under before; may be given several times, the oldest
///   first. Those runs go on with this fn. An operation is renamed with `.was("old_name")` alike.
/// - `crate = path`: where this crate is found, if the dependency is renamed.
///
/// ```
/// use durable::prelude::*;
///
/// #[durable::workflow(was = "ship")]
/// async fn shipping(ctx: &Ctx, parcels: u32) -> durable::Result<u32> {
///     let sent = ctx.step("hand_over", |_| async move { Ok::<_, String>(parcels) }).was("deliver");
///     Ok(sent.await?)
/// }
///
/// # #[tokio::main]
/// # async fn main() -> durable::Result<()> {
/// # let engine = durable::Engine::open("memory:").await?;
/// let run = engine.client().start::<shipping>("parcels-1", 2).await?;
/// assert_eq!(run.result().await?, 2);
/// // The name that it had still finds it.
/// engine.client().start_by_name("ship", "parcels-2", "3").await?;
/// # engine.shutdown().await
/// # }
/// ```
pub use durable_macros::workflow;
pub use durable_runtime::{
    Failure, Retry, StepError,
    client::{
        Cancel, ChildRun, Client, ClientBuilder, ListedRun, Rollback, Run, RunList, Snapshot,
        StepInFlight, Waiting, WaitsOn,
    },
    clock::{Clock, SystemClock},
    context::{
        AppState, Compensation, Ctx, Data, Fragment, Scope, StepCtx, StepKey, Told, Workflow,
        join_all, operations::*, try_join_all,
    },
    engine::{Engine, EngineBuilder},
    error::{Error, ErrorKind},
    failure::{BoxError, FailureKind, UserError},
    limits::Limits,
    outcome::Outcome,
    status::{Status, TRANSITIONS, Transition},
    text::printable,
    values::Unordered,
};

/// For tests: virtual time, the check of workflow graphs against a lock, and the store conformance
/// suite. Behind the feature `testing`; enable it in
/// `dev-dependencies` only.
///
/// # Examples
///
/// A workflow that sleeps a year ends at once.
///
/// ```
/// use std::time::Duration;
/// use durable::{Clock, prelude::*, testing::VirtualClock};
///
/// const YEAR: Duration = Duration::from_secs(365 * 86_400);
///
/// #[durable::workflow]
/// async fn renewal(ctx: &Ctx, customer: String) -> durable::Result<String> {
///     ctx.sleep("a_year", YEAR).await?;
///     Ok(ctx.step("renew", async |_| Ok::<_, Failure>(format!("renewed {customer}"))).await?)
/// }
///
/// # #[tokio::main]
/// # async fn main() -> durable::Result<()> {
/// let clock = VirtualClock::new();
/// let before = clock.now();
/// let engine = Engine::builder().clock(clock.clone()).open("memory:").await?;
/// let run = engine.client().start::<renewal>("renewal-7", "Ada".to_owned()).await?;
/// assert_eq!(run.result().await?, "renewed Ada");
/// assert_eq!(clock.now().since(before), YEAR);
/// engine.shutdown().await
/// # }
/// ```
#[cfg(feature = "testing")]
pub mod testing {
    pub use durable_runtime::{
        conformance_tests,
        testing::{
            BatchFault, Fault, FaultyStore, StoreCall, VirtualClock, VirtualSleep,
            assert_graphs_locked, conformance,
        },
    };
}

/// What is recorded of a run: ids, times, and the events of its history.
///
/// What is written is read by every later version; kinds of events may be added.
pub mod journal {
    pub use durable_runtime::journal::{
        Epoch, Event, EventKind, InvalidRunId, MailId, Payload, PayloadError, RunId, RunKey,
        StepId, Timestamp, UnknownEvent, WorkerId,
    };
}

/// Where runs are kept: the stores and their options; and for whoever writes a store, the trait that it
/// implements and the records that go through it.
///
/// The stores and their options are as stable as the rest of the API. [`Store`](store::Store) and its records
/// gain methods and fields in minor versions until 1.0; `testing::conformance` tells what a store has to do.
pub mod store {
    pub use durable_runtime::store::{
        Batch, BatchId, BatchOutcome, ChildOutcome, Children, Claim, Claimed, Commit,
        CommitOutcome, Delivery, Hint, LoadedRun, Mail, MailKind, MailOutcome, MailTarget,
        MemoryStore, NewMail, NewRun, NewWorker, Owned, Ownership, Parent, RunPage, RunQuery,
        RunRecord, RunUpdate, StartOutcome, Store, StoreError, StoreErrorKind, StoreFuture,
    };
    #[cfg(feature = "postgres")]
    pub use durable_runtime::store::{PostgresOptions, PostgresStore};
    #[cfg(feature = "sqlite")]
    pub use durable_runtime::store::{SqliteOptions, SqliteStore};
}

/// What the compiler saw: the static graph of each workflow, and the registry of all of them.
pub mod graph {
    pub use durable_runtime::{
        context::{
            Awaited, CompensateFn, Compensator, FragmentDefinition, RequiredState, Reread, Wiring,
        },
        graph::{
            Arm, Body, BrokenGraph, Class, Difference, Fingerprint, Graph, Located, Lock,
            LockError, Node, Operation, OperationKind, ParallelKind,
        },
        registry::{BodyFuture, Definition, Registered, Registry, RegistryError},
    };
}

#[doc(hidden)]
pub use durable_runtime::registry::private as __private;

#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
mod readme {}

mod combinators;
pub mod guide;
mod hatch;

/// What workflows and steps return; any error type that converts into [`BoxError`] may take the
/// default's place.
pub type Result<T, E = BoxError> = std::result::Result<T, E>;

/// What most workflows need: `use durable::prelude::*;`.
pub mod prelude {
    pub use crate::{Client, Ctx, Engine, Failure, Outcome, Retry, StepCtx, StepError, Workflow};
}
