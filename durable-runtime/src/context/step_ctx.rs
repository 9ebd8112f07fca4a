//! What a step's body sees.

use std::{fmt, future::Future, sync::Arc};

use super::{AppState, Cancellation, Data, SharedRun, cancellation::Canceled};
use crate::{
    failure::{Failure, FailureKind},
    journal::{Payload, RunId, StepId},
};

/// The context of one attempt of a step, or of a compensation. Cheap to clone.
///
/// ```standalone_crate
/// use durable::prelude::*;
///
/// struct Bank;
///
/// impl Bank {
///     async fn pay(&self, amount: u32, _key: &str) -> Result<u32, std::io::Error> {
///         Ok(amount)
///     }
/// }
///
/// #[durable::compensate]
/// async fn refund(step: &StepCtx, payment: u32) -> durable::Result<()> {
///     // What the run was started with, what its operations came to, and why it is rolled back.
///     assert_eq!(step.input::<u32>()?, 30);
///     assert_eq!(step.result::<u32>("charge")?, Some(payment));
///     assert!(step.cause().is_some_and(|cause| cause.to_string().contains("out of stock")));
///     // The key of the refund is not the key of the payment.
///     assert_ne!(step.idempotency_key(), step.step_key());
///     Ok(())
/// }
///
/// #[durable::workflow]
/// async fn order(ctx: &Ctx, total: u32) -> durable::Result<u32> {
///     ctx.step("charge", |step| async move {
///         assert_eq!(step.run_id().as_str(), "order-1");
///         assert_eq!(step.step_id().to_string(), "charge");
///         assert_eq!(step.attempt(), 1);
///         assert!(!step.is_canceled());
///         let key = step.idempotency_key();
///         tokio::select! {
///             paid = step.state::<Bank>().pay(total, &key) => paid,
///             // Nobody waits for the payment any more.
///             () = step.canceled() => Err(std::io::ErrorKind::Interrupted.into()),
///         }
///     })
///     .compensate(refund)
///     .await?;
///     Err("out of stock".into())
/// }
///
/// # #[tokio::main]
/// # async fn main() -> durable::Result<()> {
/// let engine = Engine::builder().state(Bank).open("memory:").await?;
/// let run = engine.client().start::<order>("order-1", 30).await?;
/// assert!(run.result().await.is_err());
/// let history = engine.client().history("order-1").await?;
/// assert!(history.iter().any(|event| event.kind.name() == "compensated"));
/// # engine.shutdown().await
/// # }
/// ```
#[derive(Clone)]
pub struct StepCtx {
    run: SharedRun,
    step: StepId,
    attempt: u32,
    undoes: bool,
    cancellation: Arc<Cancellation>,
}

impl StepCtx {
    pub(crate) fn new(
        run: SharedRun,
        step: StepId,
        attempt: u32,
        cancellation: Arc<Cancellation>,
    ) -> Self {
        Self {
            run,
            step,
            attempt,
            undoes: false,
            cancellation,
        }
    }

    pub(crate) fn compensation(
        run: SharedRun,
        step: StepId,
        attempt: u32,
        cancellation: Arc<Cancellation>,
    ) -> Self {
        Self {
            undoes: true,
            ..Self::new(run, step, attempt, cancellation)
        }
    }

    /// Whether the step has a compensation.
    pub(super) fn can_be_undone(&self) -> bool {
        self.run.blueprint.undo_rule(&self.step).is_some()
    }

    pub(super) fn check_size(&self, output: Payload) -> Result<Payload, Failure> {
        self.run.machine().check_size(output)
    }

    /// Keeps what the step gave, which cannot be recorded, for its compensation.
    pub(super) fn keep<T: Send + 'static>(&self, output: T) {
        self.run.kept.keep(self.step.clone(), output);
        self.run.machine().note_kept(&self.step);
    }

    /// What the step gave, if it is in memory alone.
    pub(crate) fn take_kept<T: 'static>(&self) -> Option<T> {
        self.run.kept.take(&self.step)
    }

    /// Which attempt this is, from 1. An attempt of a step that a crash cut short is made again under the
    /// same number; of a compensation, it counts.
    pub fn attempt(&self) -> u32 {
        self.attempt
    }

    /// A key that is the same for every attempt of this step of this run, over crashes and renames too
    /// (it is made of the first name that the step had), and different for every other step and run.
    /// Hand it to the systems you call.
    pub fn idempotency_key(&self) -> String {
        let step = self.run.blueprint.graph().original(&self.step);
        let purpose = if self.undoes { "/compensate" } else { "" };
        format!("{}/{step}{purpose}-{:016x}", self.run.id, self.run.seed)
    }

    /// The id of the run.
    pub fn run_id(&self) -> &RunId {
        &self.run.id
    }

    /// The step's identity in the run.
    pub fn step_id(&self) -> &StepId {
        &self.step
    }

    /// The key of the step that this compensation undoes, as its attempts had it: what to ask the other
    /// side about when the outcome is unknown. In the body of a step, the same as
    /// [`idempotency_key`](Self::idempotency_key).
    pub fn step_key(&self) -> String {
        let step = self.run.blueprint.graph().original(&self.step);
        format!("{}/{step}-{:016x}", self.run.id, self.run.seed)
    }

    /// Whether the attempt is to end: nobody waits for it any more, it has run past its timeout, or the
    /// run is being canceled. A compensation is not stopped by the cancellation that it serves.
    pub fn is_canceled(&self) -> bool {
        let run = !self.undoes && self.run.cancellation.is_set();
        run || self.cancellation.is_set()
    }

    /// Resolves when the attempt is to end: nobody waits for it any more (a race was lost, a branch beside
    /// it failed), it has run past its timeout, or the run is being canceled.
    ///
    /// A step with a compensation then gets a while to end (`EngineBuilder::cancel_grace`), and what it
    /// comes to in that time is recorded. So does a body that has asked for this when the run is canceled;
    /// any other body is dropped at its next await. For a compensation it resolves when the attempt has
    /// run past its timeout, at which it is dropped. Cancel safe.
    pub fn canceled(&self) -> impl Future<Output = ()> + Send + use<> {
        Canceled {
            attempt: Arc::clone(&self.cancellation),
            run: (!self.undoes).then(|| Arc::clone(&self.run.cancellation)),
        }
    }

    /// The input of the run.
    ///
    /// # Errors
    ///
    /// [`FailureKind::Payload`] when it does not decode into a `T`. A compensation that meets this does not
    /// fail: when it ends with an error, the run is parked, and goes on with a build that can read it.
    pub fn input<T: Data>(&self) -> Result<T, Failure> {
        self.decode(&self.run.input, "the run's input")
    }

    /// What an operation of the run came to, for a compensation: the output of a step or a child, or the
    /// payload of a signal. `None` when it has not completed.
    ///
    /// The name is the one that the body which names the compensation gave it; in a loop, `name#1` is the
    /// second of that name, and `scope/name` is an operation of a fragment.
    ///
    /// # Errors
    ///
    /// When the workflow has no such operation, or its result does not decode into a `T`: as
    /// [`input`](Self::input). Always in the body of a step, which can borrow from the workflow.
    pub fn result<T: Data>(&self, name: &str) -> Result<Option<T>, Failure> {
        if !self.undoes {
            let message = "`StepCtx::result` is for compensations; the body of a step borrows what it \
                           needs from the workflow";
            return Err(Failure::new(FailureKind::Application, message).permanent());
        }
        let found = self.run.machine().result_of(self.step.beside(name));
        match found {
            Ok(payload) => payload
                .map(|payload| self.decode(&payload, &format!("the result of `{name}`")))
                .transpose(),
            Err(step) => Err(self.unfit(format!(
                "to read the result of `{step}`, which this build does not have"
            ))),
        }
    }

    /// Why the run is being rolled back, for a compensation: its failure, or one of kind
    /// [`FailureKind::Canceled`]. `None` in the body of a step.
    pub fn cause(&self) -> Option<Failure> {
        let failure = || self.run.machine().rollback_failure();
        self.undoes.then(failure).flatten()
    }

    fn decode<T: Data>(&self, payload: &Payload, what: &str) -> Result<T, Failure> {
        T::__decode(payload).map_err(|error| self.unfit(format!("to read {what}: {error}")))
    }

    /// Other code than this is needed: the failure for the caller, and for a compensation the reason why
    /// the run is parked.
    fn unfit(&self, what: String) -> Failure {
        let failure = Failure::new(FailureKind::Payload, format!("failed {what}")).permanent();
        if self.undoes {
            self.run.machine().report_unfit(&self.step, what);
        }
        failure
    }

    /// The application state of this type, as given to the engine.
    ///
    /// # Panics
    ///
    /// When the engine was given no such state; the attempt fails with that message.
    pub fn state<T: Send + Sync + 'static>(&self) -> &T {
        let state: &AppState = &self.run.state;
        state.expect::<T>()
    }
}

impl fmt::Debug for StepCtx {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "StepCtx({} of {}, attempt {})",
            self.step, self.run.id, self.attempt
        )
    }
}
