//! A fixed number of operations side by side: what `join!`, `try_join!` and `race!` await.

use std::{fmt, future::Future, pin::Pin, task::Poll};

use super::{
    branches::{Branches, TryBranches},
    children::Children,
};

/// What `join!` and `race!` await.
pub struct Join<B> {
    branches: B,
    children: Children,
    left: usize,
}

impl<B: Branches> Join<B> {
    /// Polls all branches side by side.
    pub fn new(branches: B) -> Self {
        Self {
            branches,
            children: Children::new(B::COUNT),
            left: B::COUNT,
        }
    }

    /// Waits for all branches. Cancel safe: dropping it drops the branches.
    pub async fn all(mut self) -> B::Outputs {
        std::future::poll_fn(|cx| {
            let Self {
                branches,
                children,
                left,
            } = &mut self;
            let done = children.drive(branches, cx, |_, _| {
                *left -= 1;
                *left == 0
            });
            match done {
                true => branches.outputs().map_or(Poll::Pending, Poll::Ready),
                false => Poll::Pending,
            }
        })
        .await
    }

    /// Waits for the first branch to complete and lets go of the others. Gives that branch's output; all
    /// others are `None`. Cancel safe.
    pub async fn first(mut self) -> B::Some {
        std::future::poll_fn(|cx| {
            let Self {
                branches, children, ..
            } = &mut self;
            if children.drive(branches, cx, |_, _| true) {
                Poll::Ready(branches.some())
            } else {
                Poll::Pending
            }
        })
        .await
    }
}

/// The future of [`all_ok`].
pub type AllOk<'a, V, E> = Pin<Box<dyn Future<Output = Result<V, E>> + Send + 'a>>;

/// Waits for all branches, or for the first to fail; then the others are let go of. Cancel safe.
///
/// The future's type is erased. The compiler proves a workflow's future `Send` with a lifetime of its
/// own for each type that it names, and branches that share a boxed error would no longer be of one
/// type.
#[must_use = "durable operations do nothing until they are awaited: `.await?`"]
pub fn all_ok<'a, B, V, E>(branches: B) -> AllOk<'a, V, E>
where
    B: TryBranches<Values = V, Error = E> + Send + 'a,
{
    let Join {
        mut branches,
        mut children,
        mut left,
    } = Join::new(branches);
    Box::pin(std::future::poll_fn(move |cx| {
        let done = children.drive(&mut branches, cx, |branches, branch| {
            left -= 1;
            left == 0 || branches.has_failed(branch)
        });
        match done {
            true => branches.values().map_or(Poll::Pending, Poll::Ready),
            false => Poll::Pending,
        }
    }))
}

impl<B> fmt::Debug for Join<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Join")
            .field("left", &self.left)
            .finish_non_exhaustive()
    }
}
