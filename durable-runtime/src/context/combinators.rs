//! Parallel operations that replay as they ran.
//!
//! `futures::join_all` and the `select!` macros of other crates poll children that nothing woke, stop
//! polling them past a certain number, or pick at random. These poll every child once, in order, and
//! then only the child that was woken; since the engine delivers one event at a time, the order in
//! which branches move is the order of the journal, live and on replay. `n` branches cost `O(n)`.
//!
//! A combinator that is decided lets go of the branches that are not done, and gives its result when no
//! attempt is in flight in them that may have to be undone (see `let_go`).

use std::{
    collections::{BTreeSet, VecDeque},
    fmt,
    future::{Future, IntoFuture},
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Wake, Waker},
};

use super::let_go;

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
    /// Whether what the combinator gives is known.
    decided: bool,
    /// Of those that are let go of, which ones linger; none before.
    lingering: Option<BTreeSet<usize>>,
}

/// The branches of a combinator.
pub trait Group {
    /// Polls one; `true` when it completes now.
    fn poll(&mut self, branch: usize, cx: &mut Context<'_>) -> bool;
    /// Lets go of one that is not done, if it is not; `true` while it lingers.
    fn let_go(&mut self, branch: usize, cx: &mut Context<'_>) -> bool;
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
        Self {
            set,
            wakers,
            decided: count == 0,
            lingering: None,
        }
    }

    /// Polls each woken child once, in the order of waking, until `decides` says of one that is done that
    /// what the combinator gives is known; then lets go of the others. `true` when it may be given.
    pub(super) fn drive<G: Group>(
        &mut self,
        group: &mut G,
        parent: &Context<'_>,
        mut decides: impl FnMut(&mut G, usize) -> bool,
    ) -> bool {
        if !self.decided && !let_go::is_on() {
            for child in self.woken(parent) {
                let mut cx = Context::from_waker(&self.wakers[child]);
                if group.poll(child, &mut cx) && decides(group, child) {
                    self.decided = true;
                    break;
                }
            }
            if !self.decided {
                return false;
            }
        }
        let lingering = self.let_go(group, parent);
        if let_go::is_on() {
            let_go::report(lingering);
            return false;
        }
        lingering == 0
    }

    /// Lets go of all children, in order, and then of each one that is woken; gives how many linger.
    fn let_go<G: Group>(&mut self, group: &mut G, parent: &Context<'_>) -> usize {
        let woken = self.woken(parent);
        let (lingering, due) = match self.lingering.take() {
            Some(lingering) => (lingering, woken),
            None => (
                (0..self.wakers.len()).collect(),
                (0..self.wakers.len()).collect(),
            ),
        };
        let mut lingering: BTreeSet<usize> = lingering;
        for child in due {
            let mut cx = Context::from_waker(&self.wakers[child]);
            if lingering.contains(&child) && !group.let_go(child, &mut cx) {
                lingering.remove(&child);
            }
        }
        self.lingering.insert(lingering).len()
    }

    /// The children that were woken, in the order of waking.
    fn woken(&self, parent: &Context<'_>) -> VecDeque<usize> {
        let mut woken = self.set.lock();
        match &mut woken.parent {
            Some(known) => known.clone_from(parent.waker()),
            unknown => *unknown = Some(parent.waker().clone()),
        }
        let due = std::mem::take(&mut woken.ready);
        due.iter().for_each(|child| woken.queued[*child] = false);
        due
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

/// A fixed number of branches of different types.
pub trait Branches: Group + Unpin {
    /// How many.
    const COUNT: usize;
    /// All outputs.
    type Outputs;
    /// Each output, if the branch has completed.
    type Some;
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
        impl<$($branch,)+ $($output),+> Group for ($(Branch<$branch, $output>,)+) {
            fn poll(&mut self, branch: usize, cx: &mut Context<'_>) -> bool {
                match branch {
                    $($index => self.$index.poll(cx),)+
                    _ => false,
                }
            }

            fn let_go(&mut self, branch: usize, cx: &mut Context<'_>) -> bool {
                match branch {
                    $($index => self.$index.let_go(cx),)+
                    _ => false,
                }
            }
        }

        impl<$($branch,)+ $($output),+> Branches for ($(Branch<$branch, $output>,)+) {
            const COUNT: usize = $count;
            type Outputs = ($($output,)+);
            type Some = ($(Option<$output>,)+);

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
