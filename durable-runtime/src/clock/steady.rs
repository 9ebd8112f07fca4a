//! Time for the engine's own rhythm.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use super::{Clock, SystemClock};
use crate::journal::Timestamp;

/// By less than this a clock may run ahead of the monotonic one without anybody having set it.
const LEAP: Duration = Duration::from_secs(1);

/// Time that never goes back, for heartbeats, polls and leases: they go on whatever a clock is set to.
///
/// It is the monotonic clock of the machine, and what that one does not see passes, too: what the
/// machine was suspended for, and what the machine's clock or the engine's was set forward by. So a
/// lease counts as ended sooner rather than later. With a clock that jumps over idle time it is that
/// clock.
#[derive(Debug)]
pub(crate) struct Steady {
    clock: Arc<dyn Clock>,
    begun: Instant,
    /// How far, in microseconds, each clock was ahead of the monotonic one when it was compared last.
    machine: AtomicI64,
    engine: AtomicI64,
    /// What the clocks have leapt over, in microseconds.
    leapt: AtomicU64,
}

impl Steady {
    pub(crate) fn of(clock: Arc<dyn Clock>) -> Self {
        Self {
            machine: AtomicI64::new(SystemClock.now().as_micros()),
            engine: AtomicI64::new(clock.now().as_micros()),
            clock,
            begun: Instant::now(),
            leapt: AtomicU64::new(0),
        }
    }

    /// How long it has been running.
    pub(crate) fn now(&self) -> Duration {
        self.at(self.clock.now())
    }

    /// The same, when the engine's clock has just been read.
    pub(crate) fn at(&self, engine: Timestamp) -> Duration {
        if self.clock.pacer().is_some() {
            return engine.since(Timestamp::MIN);
        }
        let elapsed = self.begun.elapsed();
        let leap = leap(&self.machine, SystemClock.now(), elapsed).max(leap(
            &self.engine,
            engine,
            elapsed,
        ));
        let leapt = match leap {
            0 => self.leapt.load(Ordering::Acquire),
            leap => leap + self.leapt.fetch_add(leap, Ordering::AcqRel),
        };
        elapsed + Duration::from_micros(leapt)
    }

    /// Resolves when this much time has passed, or, when a clock was set forward meanwhile, sooner.
    pub(crate) async fn sleep(&self, time: Duration) {
        let sleeping = self.clock.sleep_until(self.clock.now().after(time));
        if self.clock.pacer().is_some() {
            return sleeping.await;
        }
        // An error means that the clock was set back.
        let _ = tokio::time::timeout(time, sleeping).await;
    }
}

/// By how many microseconds a clock was set forward since it was compared last.
fn leap(ahead: &AtomicI64, time: Timestamp, elapsed: Duration) -> u64 {
    let elapsed = i64::try_from(elapsed.as_micros()).unwrap_or(i64::MAX);
    let is = time.as_micros().saturating_sub(elapsed);
    let was = ahead.load(Ordering::Acquire);
    let moved = is.saturating_sub(was);
    if u128::from(moved.unsigned_abs()) < LEAP.as_micros() {
        return 0;
    }
    // Of those who notice it at the same time, one counts it.
    let noticed = ahead.compare_exchange(was, is, Ordering::AcqRel, Ordering::Acquire);
    noticed.map_or(0, |_| u64::try_from(moved).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use std::{future::Future, pin::Pin};

    use super::*;

    /// The machine's clock, with so many microseconds added.
    #[derive(Debug, Default)]
    struct Set(AtomicI64);

    impl Clock for Set {
        fn now(&self) -> Timestamp {
            let added = self.0.load(Ordering::Relaxed);
            Timestamp::from_micros(SystemClock.now().as_micros() + added)
        }

        fn sleep_until(&self, _at: Timestamp) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
            Box::pin(std::future::pending())
        }
    }

    const HOUR: Duration = Duration::from_secs(3_600);
    /// How long the test may be kept waiting.
    const PATIENCE: Duration = Duration::from_secs(600);

    fn set(clock: &Set, seconds: i64) {
        clock.0.store(seconds * 1_000_000, Ordering::Relaxed);
    }

    #[test]
    fn a_clock_that_is_set_forward_counts_and_one_that_is_set_back_does_not() {
        let clock = Arc::new(Set::default());
        let steady = Steady::of(Arc::clone(&clock) as Arc<dyn Clock>);
        let first = steady.now();
        set(&clock, -3_600);
        let back = steady.now();
        assert!(back >= first && back < first + PATIENCE);
        set(&clock, 0);
        let forth = steady.now();
        assert!(forth >= first + HOUR && forth < first + HOUR + PATIENCE);
        set(&clock, 3_600);
        let ahead = steady.now();
        assert!(ahead >= first + 2 * HOUR && ahead < first + 2 * HOUR + PATIENCE);
    }

    #[tokio::test]
    async fn a_sleep_ends_though_the_clock_stands_still() {
        let steady = Steady::of(Arc::new(Set::default()));
        steady.sleep(Duration::from_millis(1)).await;
    }
}
