//! The first of several operations.

use std::{
    fmt,
    future::{Future, IntoFuture},
    pin::Pin,
    task::{Context, Poll},
};

use super::combinators::{Branch, Children};

/// The first of several operations of one output type; what `race!(a, b)` awaits.
///
/// Cancel safe: dropping it drops the operations.
#[must_use = "durable operations do nothing until they are awaited: `.await?`"]
pub struct First<'a, T> {
    branches: Vec<Branch<'a, T>>,
    children: Option<Children>,
}

/// Another name for what builds a [`First`].
pub type Race<'a, T> = First<'a, T>;

impl<'a, T> First<'a, T> {
    /// No operations yet.
    pub fn new() -> Self {
        Self {
            branches: Vec::new(),
            children: None,
        }
    }

    /// Adds an operation.
    pub fn or<F>(mut self, operation: F) -> Self
    where
        F: IntoFuture<Output = T>,
        F::IntoFuture: Send + 'a,
    {
        self.branches.push(Branch::new(operation));
        self
    }
}

impl<T> Default for First<'_, T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> Unpin for First<'_, T> {}

impl<T> Future for First<'_, T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        let Self { branches, children } = &mut *self;
        let children = children.get_or_insert_with(|| Children::new(branches.len()));
        let mut winner = None;
        children.poll_woken(cx, |branch, cx| {
            if branches[branch].poll(cx) {
                winner = branches[branch].take();
            }
            winner.is_some()
        });
        match winner {
            Some(output) => {
                // The losers are let go of in order, before the body goes on.
                branches.clear();
                Poll::Ready(output)
            }
            None => Poll::Pending,
        }
    }
}

impl<T> fmt::Debug for First<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "First(of {})", self.branches.len())
    }
}
