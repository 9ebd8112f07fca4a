//! What a step's body sees.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Waker},
};

use super::{AppState, SharedRun};
use crate::journal::{RunId, StepId};

/// The context of one attempt of a step, or of a compensation. Cheap to clone.
#[derive(Clone)]
pub struct StepCtx {
    run: SharedRun,
    step: StepId,
    attempt: u32,
    purpose: &'static str,
}

impl StepCtx {
    pub(crate) fn new(run: SharedRun, step: StepId, attempt: u32) -> Self {
        Self {
            run,
            step,
            attempt,
            purpose: "",
        }
    }

    pub(crate) fn compensation(run: SharedRun, step: StepId, attempt: u32) -> Self {
        Self {
            run,
            step,
            attempt,
            purpose: "/compensate",
        }
    }

    /// Which attempt this is, from 1. An attempt that a crash cut short is made again under the same
    /// number.
    pub fn attempt(&self) -> u32 {
        self.attempt
    }

    /// A key that is the same for every attempt of this step of this run, over crashes and renames too
    /// (it is made of the first name that the step had), and different for every other step and run.
    /// Hand it to the systems you call.
    pub fn idempotency_key(&self) -> String {
        let step = self.run.definition.original(&self.step);
        format!(
            "{}/{step}{}-{:016x}",
            self.run.id, self.purpose, self.run.seed
        )
    }

    /// The id of the run.
    pub fn run_id(&self) -> &RunId {
        &self.run.id
    }

    /// The step's identity in the run.
    pub fn step_id(&self) -> &StepId {
        &self.step
    }

    /// Whether the run is being canceled.
    pub fn is_canceled(&self) -> bool {
        self.run.cancellation.is_set()
    }

    /// Resolves when the run is being canceled. A body that has asked for this gets a while to wind
    /// down (`EngineBuilder::cancel_grace`), and what it returns in that time is recorded; any other
    /// body is dropped at its next await. Cancel safe.
    pub fn canceled(&self) -> impl Future<Output = ()> + Send + use<> {
        Canceled(Arc::clone(&self.run.cancellation))
    }

    /// The application state of this type, as given to the engine.
    ///
    /// # Panics
    ///
    /// When the engine was given no such state; the attempt fails with that message.
    pub fn state<T: Send + Sync + 'static>(&self) -> &T {
        let state: &AppState = &self.run.state;
        state.expect::<T>()
    }
}

impl fmt::Debug for StepCtx {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "StepCtx({} of {}, attempt {})",
            self.step, self.run.id, self.attempt
        )
    }
}

/// Whether a run is being canceled, and who wants to know.
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

    fn is_set(&self) -> bool {
        self.set.load(Ordering::Acquire)
    }

    /// Whether a body has asked to be told.
    pub(crate) fn is_awaited(&self) -> bool {
        self.awaited.load(Ordering::Acquire)
    }

    fn wakers(&self) -> std::sync::MutexGuard<'_, Vec<Waker>> {
        self.wakers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Canceled(Arc<Cancellation>);

impl Future for Canceled {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.0.awaited.store(true, Ordering::Release);
        let mut wakers = self.0.wakers();
        // Checked under the lock: `set` takes the wakers after setting the flag.
        if self.0.is_set() {
            return Poll::Ready(());
        }
        if !wakers.iter().any(|waker| waker.will_wake(cx.waker())) {
            wakers.push(cx.waker().clone());
        }
        Poll::Pending
    }
}
