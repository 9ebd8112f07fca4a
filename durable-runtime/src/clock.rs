//! The one place that reads clocks.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::Waker,
    time::{Duration, SystemTime},
};

use tokio::sync::Notify;

use crate::journal::Timestamp;

#[cfg(feature = "postgres")]
mod database;
mod steady;

#[cfg(feature = "postgres")]
pub(crate) use database::{Asked, DatabaseClock, Reading};
pub(crate) use steady::Steady;

/// Where an engine's time comes from.
pub trait Clock: Send + Sync + fmt::Debug + 'static {
    /// The time it is.
    fn now(&self) -> Timestamp;

    /// Resolves when it is `at` or later. Cancel safe.
    fn sleep_until(&self, at: Timestamp) -> Pin<Box<dyn Future<Output = ()> + Send + '_>>;

    /// Who wants to know when engines rest; `None` for a clock that runs by itself.
    fn pacer(&self) -> Option<&dyn Pacer> {
        None
    }
}

/// What a clock that jumps over idle time is told by the engines that go by it. It may jump when all
/// of them rest.
pub trait Pacer: Send + Sync {
    /// An engine begins to go by the clock, and does not rest. `stirred` is to be notified after each
    /// jump. Gives the engine's number.
    fn join(&self, stirred: Arc<Notify>) -> u64;

    /// Whether no other engine goes by the clock at this moment.
    fn is_alone(&self, engine: u64) -> bool;

    /// The engine has ended. `lease_until`: when its lease ends, if it did not give its runs back.
    fn leave(&self, engine: u64, lease_until: Option<Timestamp>);

    /// The engine does nothing more by itself until then. It rests until it stirs or the clock jumps.
    fn rest(&self, engine: u64, rest: Rest);

    /// Something has reached the engine.
    fn stir(&self, engine: u64);

    /// Whether user code waits for the clock with this waker.
    fn wakes(&self, waker: &Waker) -> bool;
}

/// How an engine rests.
#[derive(Debug, Clone, Copy)]
pub struct Rest {
    /// When a run needs it next, if a time is known.
    pub due: Option<Timestamp>,
    /// When it goes on in any case, if only to renew its lease.
    pub wakes: Timestamp,
    /// Whether user code is in flight that waits for something other than the clock.
    pub at_work: bool,
    /// Whether somebody waits for a run, or for the engine, to end.
    pub awaited: bool,
    /// The runs of workers whose lease ended before this have been freed.
    pub reaped: Timestamp,
}

/// The clock of the machine.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        SystemTime::now().into()
    }

    fn sleep_until(&self, at: Timestamp) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(sleep_until(self, at))
    }
}

/// Sleeps by a clock, in pieces, so that it is noticed when the clock was set.
async fn sleep_until(clock: &impl Clock, at: Timestamp) {
    loop {
        let left = at.since(clock.now());
        if left.is_zero() {
            return;
        }
        tokio::time::sleep(left.min(Duration::from_secs(60))).await;
    }
}
