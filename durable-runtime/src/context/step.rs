//! Steps.

use std::{
    any::Any,
    fmt,
    future::{Future, IntoFuture},
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use super::{Ctx, Data, StepCtx, wait::Decode};
use crate::{
    failure::{BoxError, Failure, FailureKind, UserError},
    observe,
    replay::{OperationIndex, Resolution, StepPoll},
    retry::Retry,
};

/// A compensation of a step that gives a `T`: implemented by the type that `#[durable::compensate]`
/// puts beside the fn, under the fn's own name.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not undo a step that gives a `{T}`",
    label = "this compensation takes the output of another step",
    note = "why: a rollback calls it with what the step gave, read from the journal",
    note = "instead: a compensation whose second parameter is a `{T}`"
)]
pub trait Compensation<T: Data>: Sized + Send + Sync + 'static {
    /// Its name.
    const NAME: &'static str;

    #[doc(hidden)]
    fn __run(step: &StepCtx, output: T) -> impl Future<Output = Result<(), BoxError>> + Send;
}

/// A step, built by [`Ctx::step`]; await it.
///
/// The type of its body is erased. A workflow's future that held it could hardly be proved `Send`, and
/// a body that does not fit is reported where the step is built, and only there.
#[must_use = "a durable operation does nothing until it is awaited: `.await?`, or `durable::join!`"]
pub struct Step<'c, T> {
    ctx: &'c Ctx,
    index: OperationIndex,
    body: Box<dyn Fn(StepCtx) -> Attempt<'c> + Send + Sync + 'c>,
    decode: Decode<T>,
    retry: Retry,
    timeout: Option<Duration>,
}

/// The body of a step in flight. It gives the step's output encoded.
type Attempt<'c> = Pin<Box<dyn Future<Output = Resolution> + Send + 'c>>;

impl<'c, T> Step<'c, T> {
    pub(super) fn new<F, Fut, E>(ctx: &'c Ctx, index: OperationIndex, body: F) -> Self
    where
        F: Fn(StepCtx) -> Fut + Send + Sync + 'c,
        Fut: Future<Output = Result<T, E>> + Send + 'c,
        T: Data,
        E: UserError,
    {
        let body = move |step| -> Attempt<'c> {
            let attempt = body(step);
            Box::pin(async move { encode(attempt.await) })
        };
        Self {
            ctx,
            index,
            body: Box::new(body),
            decode: T::__decode,
            retry: Retry::default(),
            timeout: None,
        }
    }

    /// How often the step is tried, and how long it waits in between.
    pub fn retry(mut self, retry: Retry) -> Self {
        self.retry = retry;
        self
    }

    /// The longest an attempt may take; then its body is dropped and the attempt has failed with
    /// [`FailureKind::Timeout`]. A body that blocks its thread cannot be stopped.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Undoes the completed step with `compensation` when the run fails or is canceled later.
    pub fn compensate<C>(self, compensation: C) -> Self
    where
        C: Compensation<T>,
        T: Data,
    {
        let _ = compensation;
        self
    }

    /// Declares a name that the step had before. What is recorded under it belongs to this step: runs
    /// that began before the rename go on. Over several renames, the oldest name comes first.
    pub fn was(self, name: &'static str) -> Self {
        let _ = name;
        self
    }
}

impl<'c, T: 'c> IntoFuture for Step<'c, T> {
    type Output = Result<T, Failure>;
    type IntoFuture = StepFuture<'c, T>;

    fn into_future(self) -> Self::IntoFuture {
        StepFuture(Box::new(InFlight {
            step: self,
            attempt: None,
        }))
    }
}

impl<T> fmt::Debug for Step<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Step({})", self.ctx.run().machine().step_id(self.index))
    }
}

/// The future of a [`Step`].
///
/// Cancel safe: dropping it drops the body that is in flight; nothing is recorded of that attempt.
///
/// What is in it is erased: the compiler proves of each workflow that its steps are `Send`, and would
/// look at every field of every one of them.
#[must_use = "a durable operation does nothing until it is awaited: `.await?`, or `durable::join!`"]
pub struct StepFuture<'c, T>(Box<dyn Flight<T> + Send + 'c>);

impl<T> Future for StepFuture<'_, T> {
    type Output = Result<T, Failure>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.0.poll(cx)
    }
}

impl<T> fmt::Debug for StepFuture<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StepFuture({:?})", self.0)
    }
}

trait Flight<T>: fmt::Debug {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<T, Failure>>;
}

/// A step that is awaited.
struct InFlight<'c, T> {
    step: Step<'c, T>,
    attempt: Option<Attempt<'c>>,
}

impl<T> Flight<T> for InFlight<'_, T> {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<T, Failure>> {
        let run = self.step.ctx.run();
        let poll = run
            .machine()
            .poll_step(self.step.index, cx.waker(), self.step.timeout);
        match poll {
            StepPoll::Done(Err(failure)) => Poll::Ready(Err(failure)),
            StepPoll::Done(Ok(payload)) => match (self.step.decode)(&payload) {
                Ok(value) => Poll::Ready(Ok(value)),
                Err(error) => {
                    run.machine().report_undecodable(self.step.index, &error);
                    Poll::Pending
                }
            },
            StepPoll::Execute { attempt } => {
                self.start(attempt);
                self.advance(cx);
                Poll::Pending
            }
            StepPoll::Continue => {
                self.advance(cx);
                Poll::Pending
            }
            StepPoll::TimedOut => {
                self.attempt = None;
                let limit = self.step.timeout.unwrap_or_default();
                let message = format!("the attempt took longer than its timeout of {limit:?}");
                self.end(Err(Failure::new(FailureKind::Timeout, message)));
                Poll::Pending
            }
            StepPoll::Wait => Poll::Pending,
        }
    }
}

impl<T> InFlight<'_, T> {
    fn start(&mut self, attempt: u32) {
        let run = self.step.ctx.run();
        let id = run.machine().step_id(self.step.index).clone();
        let span = observe::span_of_attempt(&run.id, &id, attempt);
        let ctx = StepCtx::new(run.clone(), id, attempt);
        match catch_unwind(AssertUnwindSafe(|| span.in_scope(|| (self.step.body)(ctx)))) {
            Ok(body) => self.attempt = Some(observe::in_span(span, body)),
            Err(panic) => self.end(Err(panicked(&*panic))),
        }
    }

    /// Polls the body in place; when it ends, tells the machine.
    fn advance(&mut self, cx: &mut Context<'_>) {
        let Some(body) = &mut self.attempt else {
            return;
        };
        let result = match catch_unwind(AssertUnwindSafe(|| body.as_mut().poll(cx))) {
            Ok(Poll::Pending) => return,
            Ok(Poll::Ready(result)) => result,
            Err(panic) => Err(panicked(&*panic)),
        };
        self.attempt = None;
        self.end(result);
    }

    fn end(&self, result: Resolution) {
        self.step
            .ctx
            .run()
            .machine()
            .handle_attempt(self.step.index, result, &self.step.retry);
    }
}

fn encode<T: Data, E: UserError>(result: Result<T, E>) -> Resolution {
    match result {
        Ok(output) => output
            .__encode()
            .map_err(|error| Failure::new(FailureKind::Payload, error.to_string()).permanent()),
        Err(error) => Err(Failure::from_error(
            error.into_boxed(),
            std::any::type_name::<E>(),
        )),
    }
}

/// The failure of user code that panicked.
pub(crate) fn panicked(panic: &(dyn Any + Send)) -> Failure {
    Failure::new(
        FailureKind::Panicked,
        format!("panicked: {}", panic_message(panic)),
    )
}

/// The text a panic was raised with.
pub(crate) fn panic_message(panic: &(dyn Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message")
}

impl<T> Drop for InFlight<'_, T> {
    fn drop(&mut self) {
        self.step
            .ctx
            .run()
            .machine()
            .drop_operation(self.step.index);
    }
}

impl<T> fmt::Debug for InFlight<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.step.fmt(f)
    }
}
