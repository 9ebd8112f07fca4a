//! How a body in flight learns that nobody waits for it any more.

use std::{
    future::Future,
    pin::Pin,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Waker},
};

/// Whether a run, or one attempt of a step, is being canceled, and who wants to know.
#[derive(Debug, Default)]
pub(crate) struct Cancellation {
    set: AtomicBool,
    awaited: AtomicBool,
    wakers: Mutex<Vec<Waker>>,
}

impl Cancellation {
    pub(crate) fn set(&self) {
        self.set.store(true, Ordering::Release);
        let wakers = std::mem::take(&mut *self.wakers());
        wakers.into_iter().for_each(Waker::wake);
    }

    pub(super) fn is_set(&self) -> bool {
        self.set.load(Ordering::Acquire)
    }

    /// Whether a body has asked to be told.
    pub(crate) fn is_awaited(&self) -> bool {
        self.awaited.load(Ordering::Acquire)
    }

    fn wakers(&self) -> MutexGuard<'_, Vec<Waker>> {
        self.wakers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_set_or_wakes(&self, cx: &Context<'_>) -> bool {
        self.awaited.store(true, Ordering::Release);
        let mut wakers = self.wakers();
        // Checked under the lock: `set` takes the wakers after setting the flag.
        if self.is_set() {
            return true;
        }
        if !wakers.iter().any(|waker| waker.will_wake(cx.waker())) {
            wakers.push(cx.waker().clone());
        }
        false
    }
}

/// Resolves when the attempt is let go of, or the run is canceled.
pub(super) struct Canceled {
    pub(super) attempt: Arc<Cancellation>,
    /// None for a compensation, which a cancellation does not stop.
    pub(super) run: Option<Arc<Cancellation>>,
}

impl Future for Canceled {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let run = self.run.as_ref();
        if self.attempt.is_set_or_wakes(cx) || run.is_some_and(|run| run.is_set_or_wakes(cx)) {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    }
}
