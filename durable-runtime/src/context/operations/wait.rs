//! A wait for something that is not user code: time, a signal, a child.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

use crate::{
    context::{Ctx, let_go},
    failure::Failure,
    journal::{Payload, PayloadError},
    replay::{OperationIndex, Work},
};

/// The future of a [`Sleep`](super::Sleep), a [`SignalWait`](super::SignalWait) or a
/// [`Child`](super::Child).
///
/// Cancel safe: dropping it gives the wait up. A signal that has not been taken stays in the mailbox,
/// and a child that nobody waits for any more is asked to cancel.
#[must_use = "a durable operation does nothing until it is awaited: `.await?`, or `durable::join!`"]
pub struct Wait<'c, T> {
    ctx: &'c Ctx,
    index: OperationIndex,
    /// What it asks for; none once it has.
    work: Option<Box<dyn Work>>,
    decode: Decode<T>,
}

/// How what an operation came to is read.
pub(super) type Decode<T> = fn(&Payload) -> Result<T, PayloadError>;

impl<'c, T> Wait<'c, T> {
    pub(super) fn new(
        ctx: &'c Ctx,
        index: OperationIndex,
        work: Box<dyn Work>,
        decode: Decode<T>,
    ) -> Self {
        Self {
            ctx,
            index,
            work: Some(work),
            decode,
        }
    }
}

impl<T> Future for Wait<'_, T> {
    type Output = Result<T, Failure>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if let_go::is_on() {
            self.ctx.run().machine().drop_operation(self.index);
            return Poll::Pending;
        }
        let work = self.work.take();
        let mut machine = self.ctx.run().machine();
        let resolution = machine.poll_wait(self.index, cx.waker(), work);
        match resolution {
            None => Poll::Pending,
            Some(Err(failure)) => Poll::Ready(Err(failure)),
            Some(Ok(payload)) => match (self.decode)(&payload) {
                Ok(value) => Poll::Ready(Ok(value)),
                Err(error) => {
                    machine.report_undecodable(self.index, &error);
                    Poll::Pending
                }
            },
        }
    }
}

impl<T> Drop for Wait<'_, T> {
    fn drop(&mut self) {
        self.ctx.run().machine().drop_operation(self.index);
    }
}

impl<T> fmt::Debug for Wait<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Wait({})", self.ctx.run().machine().step_id(self.index))
    }
}
