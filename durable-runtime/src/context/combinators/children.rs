//! The children of a combinator: which were woken, which are polled, and which are let go of.

use std::{
    collections::{BTreeSet, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Wake, Waker},
};

use crate::context::let_go;

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
