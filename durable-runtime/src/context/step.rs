//! Steps.

use std::{
    any::Any,
    fmt,
    future::{Future, IntoFuture},
    marker::PhantomData,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use super::{Ctx, Data, StepCtx};
use crate::{
    failure::{BoxError, Failure, FailureKind},
    journal::Payload,
    replay::{OperationIndex, Resolution, StepPoll},
    retry::Retry,
};

/// A compensation of a step that gives a `T`: implemented by the type that `#[durable::compensate]`
/// puts beside the fn, under the fn's own name.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not undo a step that gives a `{T}`",
    label = "this compensation takes the output of another step",
    note = "a compensation is called with what its step gave: its second parameter must have that type"
)]
pub trait Compensation<T: Data>: Sized + Send + Sync + 'static {
    /// Its name.
    const NAME: &'static str;

    #[doc(hidden)]
    fn __run(step: &StepCtx, output: T) -> impl Future<Output = Result<(), BoxError>> + Send;
}

/// A step, built by [`Ctx::step`]; await it.
#[must_use = "a durable operation does nothing until it is awaited"]
pub struct Step<'c, F, T> {
    ctx: &'c Ctx,
    index: OperationIndex,
    body: F,
    retry: Retry,
    timeout: Option<Duration>,
    output: PhantomData<fn() -> T>,
}

impl<'c, F, T> Step<'c, F, T> {
    pub(super) fn new(ctx: &'c Ctx, index: OperationIndex, body: F) -> Self {
        Self {
            ctx,
            index,
            body,
            retry: Retry::default(),
            timeout: None,
            output: PhantomData,
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

impl<'c, F, Fut, T, E> IntoFuture for Step<'c, F, T>
where
    F: Fn(StepCtx) -> Fut + Send + Sync,
    Fut: Future<Output = Result<T, E>> + Send,
    T: Data,
    E: Into<BoxError>,
{
    type Output = Result<T, Failure>;
    type IntoFuture = StepFuture<'c, F, Fut, T>;

    fn into_future(self) -> Self::IntoFuture {
        StepFuture {
            step: self,
            attempt: None,
        }
    }
}

impl<F, T> fmt::Debug for Step<'_, F, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Step({})", self.ctx.run().machine().step_id(self.index))
    }
}

/// The future of a [`Step`].
///
/// Cancel safe: dropping it drops the body that is in flight; nothing is recorded of that attempt.
#[must_use = "a durable operation does nothing until it is awaited"]
pub struct StepFuture<'c, F, Fut, T> {
    step: Step<'c, F, T>,
    attempt: Option<Pin<Box<Fut>>>,
}

// The body is boxed; nothing in here is pinned in place.
impl<F, Fut, T> Unpin for StepFuture<'_, F, Fut, T> {}

impl<F, Fut, T, E> Future for StepFuture<'_, F, Fut, T>
where
    F: Fn(StepCtx) -> Fut + Send + Sync,
    Fut: Future<Output = Result<T, E>> + Send,
    T: Data,
    E: Into<BoxError>,
{
    type Output = Result<T, Failure>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        let run = this.step.ctx.run();
        let poll = run
            .machine()
            .poll_step(this.step.index, cx.waker(), this.step.timeout);
        match poll {
            StepPoll::Done(Err(failure)) => Poll::Ready(Err(failure)),
            StepPoll::Done(Ok(payload)) => match payload.decode() {
                Ok(value) => Poll::Ready(Ok(value)),
                Err(error) => {
                    run.machine().report_undecodable(this.step.index, &error);
                    Poll::Pending
                }
            },
            StepPoll::Execute { attempt } => {
                this.start(attempt);
                this.advance(cx);
                Poll::Pending
            }
            StepPoll::Continue => {
                this.advance(cx);
                Poll::Pending
            }
            StepPoll::TimedOut => {
                this.attempt = None;
                let limit = this.step.timeout.unwrap_or_default();
                let message = format!("the attempt took longer than its timeout of {limit:?}");
                this.end(Err(Failure::new(FailureKind::Timeout, message)));
                Poll::Pending
            }
            StepPoll::Wait => Poll::Pending,
        }
    }
}

impl<F, Fut, T, E> StepFuture<'_, F, Fut, T>
where
    F: Fn(StepCtx) -> Fut + Send + Sync,
    Fut: Future<Output = Result<T, E>> + Send,
    T: Data,
    E: Into<BoxError>,
{
    fn start(&mut self, attempt: u32) {
        let run = self.step.ctx.run();
        let id = run.machine().step_id(self.step.index).clone();
        let ctx = StepCtx::new(std::sync::Arc::clone(run), id, attempt);
        match catch_unwind(AssertUnwindSafe(|| (self.step.body)(ctx))) {
            Ok(body) => self.attempt = Some(Box::pin(body)),
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
            Ok(Poll::Ready(Ok(output))) => encode(&output),
            Ok(Poll::Ready(Err(error))) => Err(Failure::from_error(
                error.into(),
                std::any::type_name::<E>(),
            )),
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

fn encode<T: Data>(output: &T) -> Resolution {
    Payload::encode(output)
        .map_err(|error| Failure::new(FailureKind::Payload, error.to_string()).permanent())
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

impl<F, Fut, T> Drop for StepFuture<'_, F, Fut, T> {
    fn drop(&mut self) {
        self.step
            .ctx
            .run()
            .machine()
            .drop_operation(self.step.index);
    }
}

impl<F, Fut, T> fmt::Debug for StepFuture<'_, F, Fut, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StepFuture({:?})", self.step)
    }
}
