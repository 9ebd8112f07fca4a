//! Any number of operations of one type side by side.

use std::{
    fmt,
    future::{Future, IntoFuture},
    pin::Pin,
    task::{Context, Poll},
};

use super::{
    Branch,
    children::{Children, Group},
};

/// The future of [`join_all`].
#[must_use = "durable operations do nothing until they are awaited: `.await?`"]
pub struct JoinAll<'a, T> {
    branches: Vec<Branch<'a, T>>,
    children: Children,
    left: usize,
}

/// Runs any number of operations of one type side by side; gives their outputs in order.
///
/// Cancel safe: dropping it drops the operations.
pub fn join_all<'a, I, T>(operations: I) -> JoinAll<'a, T>
where
    I: IntoIterator,
    I::Item: IntoFuture<Output = T>,
    <I::Item as IntoFuture>::IntoFuture: Send + 'a,
{
    let branches: Vec<_> = operations.into_iter().map(Branch::new).collect();
    JoinAll {
        children: Children::new(branches.len()),
        left: branches.len(),
        branches,
    }
}

impl<T> Unpin for JoinAll<'_, T> {}

impl<T> Group for Vec<Branch<'_, T>> {
    fn poll(&mut self, branch: usize, cx: &mut Context<'_>) -> bool {
        self[branch].poll(cx)
    }

    fn let_go(&mut self, branch: usize, cx: &mut Context<'_>) -> bool {
        self[branch].let_go(cx)
    }
}

impl<T> Future for JoinAll<'_, T> {
    type Output = Vec<T>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Self {
            branches,
            children,
            left,
        } = &mut *self;
        let done = children.drive(branches, cx, |_, _| {
            *left -= 1;
            *left == 0
        });
        match done {
            true => Poll::Ready(branches.iter_mut().filter_map(Branch::take).collect()),
            false => Poll::Pending,
        }
    }
}

impl<T> fmt::Debug for JoinAll<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "JoinAll({} of {} left)", self.left, self.branches.len())
    }
}

/// The future of [`try_join_all`].
#[must_use = "durable operations do nothing until they are awaited: `.await?`"]
pub struct TryJoinAll<'a, T, E> {
    all: JoinAll<'a, Result<T, E>>,
    failed: Option<Result<T, E>>,
}

/// Runs any number of operations of one type side by side; gives their values in order, or the first
/// failure, and then lets go of the others.
///
/// Cancel safe: dropping it drops the operations.
pub fn try_join_all<'a, I, T, E>(operations: I) -> TryJoinAll<'a, T, E>
where
    I: IntoIterator,
    I::Item: IntoFuture<Output = Result<T, E>>,
    <I::Item as IntoFuture>::IntoFuture: Send + 'a,
{
    TryJoinAll {
        all: join_all(operations),
        failed: None,
    }
}

impl<T, E> Unpin for TryJoinAll<'_, T, E> {}

impl<T, E> Future for TryJoinAll<'_, T, E> {
    type Output = Result<Vec<T>, E>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { all, failed } = &mut *self;
        let (branches, left) = (&mut all.branches, &mut all.left);
        let done = all.children.drive(branches, cx, |branches, branch| {
            *left -= 1;
            if branches[branch].peek().is_some_and(Result::is_err) {
                *failed = branches[branch].take();
            }
            *left == 0 || failed.is_some()
        });
        if !done {
            return Poll::Pending;
        }
        match failed.take() {
            Some(failure) => Poll::Ready(failure.map(|_| Vec::new())),
            None => Poll::Ready(branches.iter_mut().filter_map(Branch::take).collect()),
        }
    }
}

impl<T, E> fmt::Debug for TryJoinAll<'_, T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.all.fmt(f)
    }
}
