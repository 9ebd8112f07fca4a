//! The worker's lease, as the worker itself knows it. By the engine's steady time.

use std::{
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

/// A worker renews its lease three times in its length.
const RENEWALS: u32 = 3;
/// After one that failed it tries again after this part of its length.
const RETRIES: u32 = 15;

/// How long the worker is sure to own its runs, when to renew that, and whether it may judge others.
///
/// A worker that was hindered from renewing its own lease, because it was paused or because the
/// database was out of reach, does not know whether the others were hindered, too. So it buries nobody
/// before they had the time of a whole lease to renew theirs: after it was hindered, and when it is new.
#[derive(Debug)]
pub(crate) struct Lease {
    length: Duration,
    /// Until when it lasts, in microseconds; zero when it was lost.
    until: AtomicU64,
    rhythm: Mutex<Rhythm>,
}

#[derive(Debug)]
struct Rhythm {
    /// When the renewal that succeeded last was asked for.
    renewed: Duration,
    renew_at: Duration,
    unhindered_since: Duration,
}

impl Lease {
    /// A lease that was asked for at a time, and has been granted.
    pub(crate) fn granted(length: Duration, asked: Duration) -> Self {
        let lease = Self {
            length,
            until: AtomicU64::new(0),
            rhythm: Mutex::new(Rhythm {
                renewed: asked,
                renew_at: asked,
                unhindered_since: asked,
            }),
        };
        lease.begin(asked);
        lease
    }

    /// That of a client, who owns nothing: it never ends, and nobody renews it.
    pub(crate) fn none() -> Self {
        Self {
            length: Duration::ZERO,
            until: AtomicU64::new(u64::MAX),
            rhythm: Mutex::new(Rhythm {
                renewed: Duration::ZERO,
                renew_at: Duration::MAX,
                unhindered_since: Duration::MAX,
            }),
        }
    }

    fn rhythm(&self) -> MutexGuard<'_, Rhythm> {
        self.rhythm.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A new worker's lease was granted.
    pub(super) fn begin(&self, asked: Duration) {
        self.rhythm().unhindered_since = asked;
        self.renew(asked);
    }

    fn renew(&self, asked: Duration) {
        let mut rhythm = self.rhythm();
        rhythm.renewed = asked;
        rhythm.renew_at = asked + self.length / RENEWALS;
        let until = u64::try_from((asked + self.length).as_micros()).unwrap_or(u64::MAX);
        self.until.store(until, Ordering::Release);
    }

    /// It was renewed. Gives whether it had ended meanwhile, so that what was held back has to be told.
    pub(super) fn renewed(&self, asked: Duration, answered: Duration) -> bool {
        let had_ended = self.has_ended(answered);
        {
            let mut rhythm = self.rhythm();
            if answered.saturating_sub(rhythm.renewed) > self.length / 2 {
                rhythm.unhindered_since = answered;
            }
        }
        self.renew(asked);
        had_ended
    }

    /// It could not be renewed.
    pub(super) fn was_not_renewed(&self, now: Duration) {
        let mut rhythm = self.rhythm();
        rhythm.unhindered_since = now;
        rhythm.renew_at = now + self.length / RETRIES;
    }

    /// The worker is not registered any more: others own its runs.
    pub(super) fn lose(&self) {
        self.until.store(0, Ordering::Release);
    }

    pub(super) fn is_lost(&self) -> bool {
        self.until.load(Ordering::Acquire) == 0
    }

    /// Whether it may have ended, so that others may own this worker's runs.
    pub(super) fn has_ended(&self, now: Duration) -> bool {
        now >= self.until()
    }

    /// When it ends if it is not renewed.
    pub(super) fn until(&self) -> Duration {
        Duration::from_micros(self.until.load(Ordering::Acquire))
    }

    pub(super) fn renew_at(&self) -> Duration {
        self.rhythm().renew_at
    }

    /// Whether others whose lease has ended had a chance to renew it.
    pub(super) fn may_reap(&self, now: Duration) -> bool {
        now >= self.rhythm().unhindered_since.saturating_add(self.length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LENGTH: Duration = Duration::from_secs(15);

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(1_000 + seconds)
    }

    /// A lease of a worker that has renewed it every five seconds for the first fifteen.
    fn kept() -> Lease {
        let lease = Lease::granted(LENGTH, at(0));
        for seconds in [5, 10, 15] {
            assert!(!lease.renewed(at(seconds), at(seconds)));
        }
        lease
    }

    #[test]
    fn a_new_worker_judges_nobody_for_the_time_of_a_lease() {
        let lease = kept();
        assert!(!lease.may_reap(at(14)) && lease.may_reap(at(15)));
        lease.begin(at(100));
        assert!(!lease.may_reap(at(114)) && lease.may_reap(at(115)));
    }

    #[test]
    fn a_renewal_says_that_the_lease_had_ended() {
        let lease = kept();
        assert!(!lease.has_ended(at(29)) && lease.has_ended(at(30)));
        assert!(lease.renewed(at(29), at(31)), "it ended meanwhile");
        assert!(!lease.has_ended(at(43)) && lease.has_ended(at(44)));
    }

    #[test]
    fn a_renewal_that_comes_too_late_leaves_it_ended() {
        let lease = kept();
        assert!(lease.renewed(at(20), at(40)));
        assert!(lease.has_ended(at(40)));
        assert!(lease.renewed(at(40), at(40)), "they are told again");
        assert!(!lease.has_ended(at(40)));
    }

    /// Whoever could not renew for that long may have lost its lease, though this one's lasted.
    #[test]
    fn a_worker_that_was_hindered_judges_nobody_for_the_time_of_a_lease() {
        let lease = kept();
        assert!(!lease.renewed(at(29), at(29)), "it has not ended");
        assert!(!lease.may_reap(at(43)) && lease.may_reap(at(44)));
        let lease = kept();
        lease.was_not_renewed(at(20));
        assert!(!lease.may_reap(at(34)) && lease.may_reap(at(35)));
        assert_eq!(lease.renew_at(), at(21), "it tries again soon");
    }

    #[test]
    fn who_owns_nothing_renews_nothing_and_judges_nobody() {
        let none = Lease::none();
        assert!(!none.is_lost() && !none.has_ended(at(1 << 40)));
        assert_eq!(none.renew_at(), Duration::MAX);
        assert!(!none.may_reap(at(1 << 40)));
    }

    #[test]
    fn a_lease_that_was_lost_has_ended() {
        let lease = kept();
        lease.lose();
        assert!(lease.is_lost() && lease.has_ended(Duration::ZERO));
        lease.begin(at(20));
        assert!(!lease.is_lost() && !lease.has_ended(at(34)));
    }
}
