//! The first of several operations.

use std::{
    fmt,
    future::{Future, IntoFuture},
    pin::Pin,
    task::{Context, Poll},
};

use super::{Branch, children::Children};

/// The first of several operations of one output type; what `race!(a, b)` awaits.
///
/// Cancel safe: dropping it drops the operations.
#[must_use = "durable operations do nothing until they are awaited: `.await?`"]
pub struct First<'a, T> {
    branches: Vec<Branch<'a, T>>,
    children: Option<Children>,
    winner: Option<T>,
}

impl<'a, T> First<'a, T> {
    /// No operations yet.
    pub fn new() -> Self {
        Self {
            branches: Vec::new(),
            children: None,
            winner: None,
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
        let Self {
            branches,
            children,
            winner,
        } = &mut *self;
        let children = children.get_or_insert_with(|| Children::new(branches.len()));
        // The losers are let go of in order, before the body goes on.
        let done = children.drive(branches, cx, |branches, branch| {
            *winner = branches[branch].take();
            true
        });
        match winner.take_if(|_| done) {
            Some(output) => Poll::Ready(output),
            None => Poll::Pending,
        }
    }
}

impl<T> fmt::Debug for First<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "First(of {})", self.branches.len())
    }
}
