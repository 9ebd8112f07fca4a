//! Parallel operations that replay as they ran.
//!
//! `futures::join_all` and the `select!` macros of other crates poll children that nothing woke, stop
//! polling them past a certain number, or pick at random. These poll every child once, in order, and
//! then only the child that was woken; since the engine delivers one event at a time, the order in
//! which branches move is the order of the journal, live and on replay. `n` branches cost `O(n)`.

use std::{
    collections::VecDeque,
    fmt,
    future::{Future, IntoFuture},
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Wake, Waker},
};

/// Which children were woken, and whom to tell.
#[derive(Default)]
struct WakeSet(Mutex<Woken>);

#[derive(Default)]
struct Woken {
    parent: Option<Waker>,
    ready: VecDeque<usize>,
    queued: Vec<bool>,
}

impl WakeSet {
    fn lock(&self) -> MutexGuard<'_, Woken> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct ChildWaker {
    set: Arc<WakeSet>,
    child: usize,
}

impl Wake for ChildWaker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        let parent = {
            let mut woken = self.set.lock();
            if !std::mem::replace(&mut woken.queued[self.child], true) {
                woken.ready.push_back(self.child);
            }
            woken.parent.clone()
        };
        if let Some(parent) = parent {
            parent.wake();
        }
    }
}

/// The wakers of a number of children, all of which are due for their first poll.
pub(super) struct Children {
    set: Arc<WakeSet>,
    wakers: Vec<Waker>,
}

impl Children {
    pub(super) fn new(count: usize) -> Self {
        let set = Arc::new(WakeSet::default());
        {
            let mut woken = set.lock();
            woken.ready = (0..count).collect();
            woken.queued = vec![true; count];
        }
        let wakers = (0..count)
            .map(|child| {
                Waker::from(Arc::new(ChildWaker {
                    set: Arc::clone(&set),
                    child,
                }))
            })
            .collect();
        Self { set, wakers }
    }

    /// Polls each woken child once, in the order of waking, until `poll` says to stop.
    pub(super) fn poll_woken(
        &self,
        parent: &Context<'_>,
        mut poll: impl FnMut(usize, &mut Context<'_>) -> bool,
    ) {
        let mut due = {
            let mut woken = self.set.lock();
            match &mut woken.parent {
                Some(known) => known.clone_from(parent.waker()),
                unknown => *unknown = Some(parent.waker().clone()),
            }
            let due = std::mem::take(&mut woken.ready);
            due.iter().for_each(|child| woken.queued[*child] = false);
            due
        };
        while let Some(child) = due.pop_front() {
            if poll(child, &mut Context::from_waker(&self.wakers[child])) {
                break;
            }
        }
    }
}

/// One branch of a combinator and, once it has completed, its output.
///
/// The future's type is erased. A workflow's future that held it could not be proved `Send`: a step's
/// future names its body and the future of its body, both with lifetimes, and across an await the
/// compiler no longer sees that the one belongs to the other.
pub struct Branch<'a, T> {
    future: Option<Pin<Box<dyn Future<Output = T> + Send + 'a>>>,
    output: Option<T>,
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
        }
    }

    /// Polls the branch; `true` when it completes now.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> bool {
        let Some(future) = &mut self.future else {
            return false;
        };
        let Poll::Ready(output) = future.as_mut().poll(cx) else {
            return false;
        };
        self.output = Some(output);
        self.future = None;
        true
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

/// A fixed number of branches of different types.
pub trait Branches: Unpin {
    /// How many.
    const COUNT: usize;
    /// All outputs.
    type Outputs;
    /// Each output, if the branch has completed.
    type Some;
    /// Polls one branch; `true` when it completes now.
    fn poll_branch(&mut self, branch: usize, cx: &mut Context<'_>) -> bool;
    /// All outputs, once every branch has completed.
    fn outputs(&mut self) -> Option<Self::Outputs>;
    /// The outputs there are.
    fn some(&mut self) -> Self::Some;
}

/// Branches that may fail with one type of error.
#[diagnostic::on_unimplemented(
    message = "the branches of `durable::try_join!` must give a `Result` each, with one type of error",
    label = "a branch gives no `Result`, or one with another type of error",
    note = "why: it gives the first failure, whichever branch that is of",
    note = "instead: `durable::join!`, which gives each result; or errors that the branches convert \
            into one type"
)]
pub trait TryBranches: Branches {
    /// All values.
    type Values;
    /// The error.
    type Error;
    /// Whether this branch has failed.
    fn has_failed(&self, branch: usize) -> bool;
    /// All values, or the first branch's error in order of the branches.
    fn values(&mut self) -> Option<Result<Self::Values, Self::Error>>;
}

macro_rules! branches {
    ($count:literal: $($index:tt $branch:lifetime $output:ident),+) => {
        // A lifetime for each branch: the compiler must be able to see them apart across an await.
        impl<$($branch,)+ $($output),+> Branches for ($(Branch<$branch, $output>,)+) {
            const COUNT: usize = $count;
            type Outputs = ($($output,)+);
            type Some = ($(Option<$output>,)+);

            fn poll_branch(&mut self, branch: usize, cx: &mut Context<'_>) -> bool {
                match branch {
                    $($index => self.$index.poll(cx),)+
                    _ => false,
                }
            }

            fn outputs(&mut self) -> Option<Self::Outputs> {
                Some(($(self.$index.take()?,)+))
            }

            fn some(&mut self) -> Self::Some {
                ($(self.$index.take(),)+)
            }
        }

        impl<$($branch,)+ E, $($output),+> TryBranches
            for ($(Branch<$branch, Result<$output, E>>,)+)
        {
            type Values = ($($output,)+);
            type Error = E;

            fn has_failed(&self, branch: usize) -> bool {
                match branch {
                    $($index => self.$index.peek().is_some_and(Result::is_err),)+
                    _ => false,
                }
            }

            fn values(&mut self) -> Option<Result<Self::Values, E>> {
                $(if self.has_failed($index) {
                    return self.$index.take()?.err().map(Err);
                })+
                Some(Ok(($(self.$index.take()?.ok()?,)+)))
            }
        }
    };
}

branches!(1: 0 'a A);
branches!(2: 0 'a A, 1 'b B);
branches!(3: 0 'a A, 1 'b B, 2 'c C);
branches!(4: 0 'a A, 1 'b B, 2 'c C, 3 'd D);
branches!(5: 0 'a A, 1 'b B, 2 'c C, 3 'd D, 4 'f F);
branches!(6: 0 'a A, 1 'b B, 2 'c C, 3 'd D, 4 'f F, 5 'g G);
branches!(7: 0 'a A, 1 'b B, 2 'c C, 3 'd D, 4 'f F, 5 'g G, 6 'h H);
branches!(8: 0 'a A, 1 'b B, 2 'c C, 3 'd D, 4 'f F, 5 'g G, 6 'h H, 7 'i I);

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
            children.poll_woken(cx, |branch, cx| {
                *left -= usize::from(branches.poll_branch(branch, cx));
                false
            });
            match *left {
                0 => branches.outputs().map_or(Poll::Pending, Poll::Ready),
                _ => Poll::Pending,
            }
        })
        .await
    }

    /// Waits for the first branch to complete and drops the others. Gives that branch's output; all
    /// others are `None`. Cancel safe.
    pub async fn first(mut self) -> B::Some {
        std::future::poll_fn(|cx| {
            let Self {
                branches, children, ..
            } = &mut self;
            let mut done = false;
            children.poll_woken(cx, |branch, cx| {
                done = branches.poll_branch(branch, cx);
                done
            });
            if done {
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

/// Waits for all branches, or for the first to fail; then the others are dropped. Cancel safe.
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
        children,
        mut left,
    } = Join::new(branches);
    Box::pin(std::future::poll_fn(move |cx| {
        let mut failed = false;
        children.poll_woken(cx, |branch, cx| {
            let done = branches.poll_branch(branch, cx);
            left -= usize::from(done);
            failed = done && branches.has_failed(branch);
            failed
        });
        if failed || left == 0 {
            branches.values().map_or(Poll::Pending, Poll::Ready)
        } else {
            Poll::Pending
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

impl<T> Future for JoinAll<'_, T> {
    type Output = Vec<T>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Self {
            branches,
            children,
            left,
        } = &mut *self;
        children.poll_woken(cx, |branch, cx| {
            *left -= usize::from(branches[branch].poll(cx));
            false
        });
        match *left {
            0 => Poll::Ready(branches.iter_mut().filter_map(Branch::take).collect()),
            _ => Poll::Pending,
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
pub struct TryJoinAll<'a, T, E>(JoinAll<'a, Result<T, E>>);

/// Runs any number of operations of one type side by side; gives their values in order, or the first
/// failure, and then drops the others.
///
/// Cancel safe: dropping it drops the operations.
pub fn try_join_all<'a, I, T, E>(operations: I) -> TryJoinAll<'a, T, E>
where
    I: IntoIterator,
    I::Item: IntoFuture<Output = Result<T, E>>,
    <I::Item as IntoFuture>::IntoFuture: Send + 'a,
{
    TryJoinAll(join_all(operations))
}

impl<T, E> Unpin for TryJoinAll<'_, T, E> {}

impl<T, E> Future for TryJoinAll<'_, T, E> {
    type Output = Result<Vec<T>, E>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let JoinAll {
            branches,
            children,
            left,
        } = &mut self.0;
        let mut failed = None;
        children.poll_woken(cx, |branch, cx| {
            let done = branches[branch].poll(cx);
            *left -= usize::from(done);
            if done && branches[branch].peek().is_some_and(Result::is_err) {
                failed = branches[branch].take();
            }
            failed.is_some()
        });
        match failed {
            Some(failure) => {
                branches.clear();
                Poll::Ready(failure.map(|_| Vec::new()))
            }
            None if *left == 0 => {
                Poll::Ready(branches.iter_mut().filter_map(Branch::take).collect())
            }
            None => Poll::Pending,
        }
    }
}

impl<T, E> fmt::Debug for TryJoinAll<'_, T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
