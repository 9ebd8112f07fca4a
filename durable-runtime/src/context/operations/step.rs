//! Steps.

use std::{
    any::Any,
    fmt,
    future::{Future, IntoFuture},
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use super::{builder::option_was, wait::Decode};
use crate::{
    context::{Cancellation, Compensation, Ctx, Data, StepCtx, let_go},
    failure::{Failure, FailureKind, UserError},
    journal::Payload,
    observe,
    replay::{OperationIndex, Resolution, StepPoll},
    retry::Retry,
};

/// A step, built by [`Ctx::step`]; await it.
///
/// The type of its body is erased. A workflow's future that held it could hardly be proved `Send`, and
/// a body that does not fit is reported where the step is built, and only there.
///
/// ```standalone_crate
/// use std::time::Duration;
/// use durable::{prelude::*, testing::VirtualClock};
///
/// #[durable::compensate]
/// async fn refund(_step: &StepCtx, _payment: u32) -> durable::Result<()> {
///     Ok(())
/// }
///
/// #[durable::workflow]
/// async fn order(ctx: &Ctx, total: u32) -> durable::Result<u32> {
///     let payment = ctx
///         .step("charge", |step| async move {
///             if step.attempt() < 3 { Err("the bank does not answer") } else { Ok(total) }
///         })
///         .retry(Retry::exponential().max_attempts(5))
///         .timeout(Duration::from_secs(30))
///         .compensate(refund)
///         // The name that it had in runs which began before it was renamed.
///         .was("pay")
///         .await?;
///     Ok(payment)
/// }
///
/// # #[tokio::main]
/// # async fn main() -> durable::Result<()> {
/// # let engine = Engine::builder().clock(VirtualClock::new()).open("memory:").await?;
/// let run = engine.client().start::<order>("order-1", 30).await?;
/// assert_eq!(run.result().await?, 30);
/// # engine.shutdown().await
/// # }
/// ```
#[must_use = "a durable operation does nothing until it is awaited: `.await?`, or `durable::join!`"]
pub struct Step<'c, T> {
    ctx: &'c Ctx,
    index: OperationIndex,
    body: Box<dyn Fn(StepCtx) -> Attempt<'c, T> + Send + Sync + 'c>,
    decode: Decode<T>,
    retry: Retry,
    timeout: Option<Duration>,
}

/// The body of a step in flight. It gives the step's output encoded, and as it is read back.
type Attempt<'c, T> = Pin<Box<dyn Future<Output = Result<(Payload, T), Failure>> + Send + 'c>>;

impl<'c, T> Step<'c, T> {
    pub(in crate::context) fn new<F, Fut, E>(ctx: &'c Ctx, index: OperationIndex, body: F) -> Self
    where
        F: Fn(StepCtx) -> Fut + Send + Sync + 'c,
        Fut: Future<Output = Result<T, E>> + Send + 'c,
        T: Data,
        E: UserError,
    {
        let body = move |step: StepCtx| -> Attempt<'c, T> {
            let undone = step.can_be_undone().then(|| step.clone());
            let attempt = body(step);
            Box::pin(async move { record(attempt.await, undone.as_ref()) })
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
    /// [`FailureKind::Timeout`]. An attempt of a step with a compensation is told first
    /// ([`StepCtx::canceled`]) and has `EngineBuilder::cancel_grace` to end by itself. A body that blocks
    /// its thread cannot be stopped.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Undoes the step with `compensation` when the run fails or is canceled later, if it completed or
    /// may have had its effect. The start of each attempt is recorded before its body runs.
    pub fn compensate<C>(self, compensation: C) -> Self
    where
        C: Compensation<T>,
    {
        let _ = compensation;
        self
    }

    option_was!();
}

impl<'c, T: Send + 'c> IntoFuture for Step<'c, T> {
    type Output = Result<T, Failure>;
    type IntoFuture = StepFuture<'c, T>;

    fn into_future(self) -> Self::IntoFuture {
        StepFuture(Box::new(InFlight {
            step: self,
            attempt: None,
            cancellation: None,
            output: None,
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
/// Cancel safe: dropping it drops the body that is in flight. Of a step with a compensation it is then
/// recorded that its outcome is unknown; of others nothing is recorded. A combinator does not drop a step
/// with a compensation while an attempt is in flight.
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
    attempt: Option<Attempt<'c, T>>,
    /// How the attempt learns that it is let go of.
    cancellation: Option<Arc<Cancellation>>,
    /// What the attempt gave, as it is read back.
    output: Option<T>,
}

impl<'c, T: 'c> Flight<T> for InFlight<'c, T> {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<T, Failure>> {
        if let_go::is_on() {
            self.let_go(cx);
            return Poll::Pending;
        }
        let run = self.step.ctx.run();
        let poll = run
            .machine()
            .poll_step(self.step.index, cx.waker(), self.step.timeout);
        match poll {
            StepPoll::Done(Err(failure)) => Poll::Ready(Err(failure)),
            StepPoll::Done(Ok(payload)) => match self
                .output
                .take()
                .map_or_else(|| (self.step.decode)(&payload), Ok)
            {
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
            poll => {
                self.go_on(poll, cx);
                Poll::Pending
            }
        }
    }
}

impl<T> InFlight<'_, T> {
    fn tell(&self) {
        if let Some(cancellation) = &self.cancellation {
            cancellation.set();
        }
    }

    /// Drops the body in flight. What it has handed its context to is told.
    fn drop_attempt(&mut self) {
        if self.attempt.take().is_some() {
            self.tell();
        }
    }
}

impl<'c, T: 'c> InFlight<'c, T> {
    fn start(&mut self, attempt: u32) {
        let run = self.step.ctx.run();
        let id = run.machine().step_id(self.step.index).clone();
        let span = observe::span_of_attempt(&run.id, &id, attempt);
        let cancellation = Arc::<Cancellation>::default();
        let ctx = StepCtx::new(run.clone(), id, attempt, Arc::clone(&cancellation));
        self.cancellation = Some(cancellation);
        match catch_unwind(AssertUnwindSafe(|| span.in_scope(|| (self.step.body)(ctx)))) {
            Ok(body) => self.attempt = Some(observe::in_span(span, body)),
            Err(panic) => self.end(Err(panicked(&*panic))),
        }
    }

    /// Goes on with the attempt in flight.
    fn go_on(&mut self, poll: StepPoll, cx: &mut Context<'_>) {
        match poll {
            StepPoll::Continue { told } => {
                if told {
                    self.tell();
                }
                self.advance(cx);
            }
            StepPoll::TimedOut => {
                self.drop_attempt();
                let limit = self.step.timeout.unwrap_or_default();
                let message = format!("the attempt took longer than its timeout of {limit:?}");
                self.end(Err(Failure::new(FailureKind::Timeout, message)));
            }
            _ => {}
        }
    }

    /// Nobody waits for the result any more. Only an attempt in flight that may have to be undone is gone
    /// on with.
    fn let_go(&mut self, cx: &mut Context<'_>) {
        let run = self.step.ctx.run();
        let in_flight = run.machine().let_go(self.step.index, cx.waker());
        match in_flight {
            Some(poll) => {
                let_go::report(1);
                self.go_on(poll, cx);
            }
            None => self.drop_attempt(),
        }
    }

    /// Polls the body in place; when it ends, tells the machine.
    fn advance(&mut self, cx: &mut Context<'_>) {
        let Some(body) = &mut self.attempt else {
            return;
        };
        let result = match catch_unwind(AssertUnwindSafe(|| {
            let_go::attempt(|| body.as_mut().poll(cx))
        })) {
            Ok(Poll::Pending) => return,
            Ok(Poll::Ready(result)) => result,
            Err(panic) => Err(panicked(&*panic)),
        };
        self.attempt = None;
        let result = result.map(|(payload, output)| {
            self.output = Some(output);
            payload
        });
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

/// Encodes what an attempt gave. Of a step that can be undone, what cannot be recorded is kept for the
/// compensation.
fn record<T: Data, E: UserError>(
    result: Result<T, E>,
    undone: Option<&StepCtx>,
) -> Result<(Payload, T), Failure> {
    let output = result
        .map_err(|error| Failure::from_error(error.into_boxed(), std::any::type_name::<E>()))?;
    // What the body did is done: to try again would not help a value that cannot be recorded.
    let recorded = match catch_unwind(AssertUnwindSafe(|| output.__record())) {
        Ok(recorded) => recorded.map_err(|error| Failure::unrecordable(&error)),
        Err(panic) => Err(Failure::unrecordable(&panicked(&*panic))),
    };
    let Some(step) = undone else {
        return recorded;
    };
    let recorded = recorded.and_then(|(payload, read)| Ok((step.check_size(payload)?, read)));
    if recorded.is_err() {
        step.keep(output);
    }
    recorded
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
        self.drop_attempt();
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
