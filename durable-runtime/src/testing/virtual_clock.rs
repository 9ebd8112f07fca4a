//! Time that passes only when nobody has anything else to do.

use std::{
    fmt,
    future::Future,
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use super::timeline::{SleeperKey, Timeline};
use crate::{
    clock::{Clock, Pacer},
    journal::Timestamp,
};

/// A clock for tests. It stands still until a test lets time pass, and then jumps from one moment that
/// matters to the next: a year's sleep takes no time. Clones are the same clock; give one to
/// `Engine::builder().clock(..)`, or to several engines on one store.
///
/// # When it jumps
///
/// By itself, when all of this is true:
///
/// - Somebody awaits `Run::result` (or `Engine::shutdown`). Until then nothing expires while a test
///   prepares, sends signals or looks around.
/// - Every engine that goes by the clock rests: nothing is being written, and no run can move.
/// - No step body and no compensation is at work. One that is in flight counts as at work, whatever it
///   awaits (a channel, a socket, another task), unless it awaits [`VirtualClock::sleep`] itself, alone
///   or beside something else.
/// - Something is due: the end of a sleep, a retry, a timeout, a run in the database. Heartbeats and
///   polls of the database alone are no reason to jump.
///
/// By hand, with [`VirtualClock::advance`], which does not wait for step bodies.
///
/// A body that is to hang, so that its attempt times out, awaits `clock.sleep(Duration::MAX)`; for one
/// that awaits something else for ever, advance by hand.
///
/// # Examples
///
/// A workflow that sleeps a year ends at once: see `durable::testing`.
///
/// By hand, time passes also while nobody waits for a run:
///
/// ```standalone_crate
/// use std::time::{Duration, SystemTime};
/// use durable::{Clock, Status, prelude::*, testing::VirtualClock};
///
/// #[durable::workflow]
/// async fn renewal(ctx: &Ctx) -> durable::Result<()> {
///     ctx.sleep("an_hour", Duration::from_secs(3_600)).await?;
///     let clock = ctx.state::<VirtualClock>();
///     ctx.step("slow", |_| async {
///         clock.sleep(Duration::from_secs(5)).await;
///         Ok::<_, Failure>(())
///     })
///     .await?;
///     Ok(())
/// }
///
/// # #[tokio::main]
/// # async fn main() -> durable::Result<()> {
/// let clock = VirtualClock::starting_at(SystemTime::UNIX_EPOCH);
/// let began = clock.now();
/// let engine = Engine::builder().clock(clock.clone()).state(clock.clone()).open("memory:").await?;
/// let run = engine.client().start::<renewal>("renewal-1", ()).await?;
/// run.reaches(Status::Suspended).await?;
/// clock.advance(Duration::from_secs(60)).await;
/// assert_eq!(run.status().await?.status, Status::Suspended);
/// // Nobody has to wait for the rest.
/// run.result().await?;
/// assert_eq!(clock.now().since(began), Duration::from_secs(3_605));
/// # engine.shutdown().await
/// # }
/// ```
#[derive(Clone)]
pub struct VirtualClock(Arc<Timeline>);

impl VirtualClock {
    /// A clock that stands at the beginning of the year 2020.
    pub fn new() -> Self {
        Self::starting_at(Timestamp::from_micros(1_577_836_800_000_000))
    }

    /// A clock that stands at `now`.
    pub fn starting_at(now: impl Into<Timestamp>) -> Self {
        Self(Arc::new(Timeline::starting_at(now.into())))
    }

    /// Lets this much time pass, and waits for it: everything that falls due on the way, heartbeats
    /// and polls too, happens in order and at its time, and the engines rest again at the end. Step
    /// bodies that wait for something else than the clock are not waited for.
    ///
    /// An engine looks at its database once a second: for a long time that something is sure to wait
    /// for, let `Run::result` jump instead.
    ///
    /// Dropping the future does not stop the time.
    pub async fn advance(&self, by: Duration) {
        let mut arrival = pin!(self.0.arrival());
        // Before the time is moved: it may arrive at once.
        arrival.as_mut().enable();
        self.0.move_by_hand(by);
        arrival.await;
    }

    /// Resolves when this much time has passed. For step bodies, whose waiting it lets the clock jump
    /// over. Cancel safe.
    pub fn sleep(&self, duration: Duration) -> VirtualSleep {
        self.sleep_from(self.now().after(duration), true)
    }

    fn sleep_from(&self, at: Timestamp, by_user: bool) -> VirtualSleep {
        VirtualSleep {
            timeline: Arc::clone(&self.0),
            at,
            by_user,
            sleeper: None,
        }
    }
}

impl Default for VirtualClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for VirtualClock {
    fn now(&self) -> Timestamp {
        self.0.now()
    }

    fn sleep_until(&self, at: Timestamp) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(self.sleep_from(at, false))
    }

    fn pacer(&self) -> Option<&dyn Pacer> {
        Some(&*self.0)
    }
}

impl fmt::Debug for VirtualClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VirtualClock({})", self.now())
    }
}

/// The future of [`VirtualClock::sleep`].
#[derive(Debug)]
#[must_use = "a sleep does nothing until it is awaited"]
pub struct VirtualSleep {
    timeline: Arc<Timeline>,
    at: Timestamp,
    by_user: bool,
    sleeper: Option<SleeperKey>,
}

impl VirtualSleep {
    fn forget(&mut self) {
        if let Some(sleeper) = self.sleeper.take() {
            self.timeline.forget(sleeper);
        }
    }
}

impl Future for VirtualSleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.forget();
        self.sleeper = self.timeline.sleep(self.at, cx.waker(), self.by_user);
        match self.sleeper {
            Some(_) => Poll::Pending,
            None => Poll::Ready(()),
        }
    }
}

impl Drop for VirtualSleep {
    fn drop(&mut self) {
        self.forget();
    }
}
