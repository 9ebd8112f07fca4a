//! One branch of a combinator.

use std::{
    fmt,
    future::{Future, IntoFuture},
    pin::Pin,
    task::{Context, Poll},
};

use crate::context::let_go;

/// One branch of a combinator and, once it has completed, its output.
///
/// The future's type is erased. A workflow's future that held it could not be proved `Send`: a step's
/// future names its body and the future of its body, both with lifetimes, and across an await the
/// compiler no longer sees that the one belongs to the other.
pub struct Branch<'a, T> {
    future: Option<Pin<Box<dyn Future<Output = T> + Send + 'a>>>,
    output: Option<T>,
    /// Whether it was polled: before that, polling it would run its code.
    begun: bool,
}

impl<'a, T> Branch<'a, T> {
    /// A branch that has not been polled.
    pub fn new<F>(operation: F) -> Self
    where
        F: IntoFuture<Output = T>,
        F::IntoFuture: Send + 'a,
    {
        Self {
            future: Some(Box::pin(operation.into_future())),
            output: None,
            begun: false,
        }
    }

    /// Polls the branch; `true` when it completes now.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> bool {
        let Some(future) = &mut self.future else {
            return false;
        };
        self.begun = true;
        let Poll::Ready(output) = future.as_mut().poll(cx) else {
            return false;
        };
        self.output = Some(output);
        self.future = None;
        true
    }

    /// Lets go of the branch and drops it, unless it lingers.
    pub(super) fn let_go(&mut self, cx: &mut Context<'_>) -> bool {
        let mut done = !self.begun;
        let lingers = self.begun
            && self.future.as_mut().is_some_and(|future| {
                let_go::lingers(|| done = future.as_mut().poll(cx).is_ready())
            });
        if done || !lingers {
            self.future = None;
        }
        lingers && !done
    }

    pub(super) fn take(&mut self) -> Option<T> {
        self.output.take()
    }

    pub(super) fn peek(&self) -> Option<&T> {
        self.output.as_ref()
    }
}

// The future is boxed, and the output is never pinned in place.
impl<T> Unpin for Branch<'_, T> {}

impl<T> fmt::Debug for Branch<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Branch")
            .field("done", &self.future.is_none())
            .finish()
    }
}
