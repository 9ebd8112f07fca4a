//! When a failed step is tried again.

use std::time::Duration;

use crate::failure::Failure;

/// How often a failed step is tried, and how long it waits in between.
///
/// A step without a policy has [`Retry::default`]: three attempts, waiting about one second and then
/// about two. A permanent error ([`StepError::permanent`](crate::failure::StepError::permanent)) is
/// never tried again, and an error that asks for a delay gets it. Waits survive a crash.
///
/// ```
/// use std::time::Duration;
/// # use durable_runtime as durable;
/// use durable::Retry;
///
/// let patient = Retry::exponential()
///     .initial_delay(Duration::from_millis(200))
///     .max_delay(Duration::from_secs(60))
///     .max_attempts(8);
/// let steady = Retry::linear().initial_delay(Duration::from_secs(5)).max_attempts(3);
/// let picky = Retry::default().unless(|failure| failure.to_string().contains("card declined"));
/// # let _ = (patient, steady, picky, Retry::never());
/// ```
///
/// # The arithmetic
///
/// The wait after attempt `n` (from 1), with the initial delay `d`, the longest wait `m`, the share of
/// jitter `j`, the added jitter `a` and a number `u` that is drawn from 0 to 1 for each wait:
///
/// | policy | wait |
/// |---|---|
/// | exponential | `min(m, min(m, d * 2^(n-1)) * (1 - j*u) + a*u)` |
/// | linear | `min(m, min(m, d * n) * (1 - j*u) + a*u)` |
///
/// So 2^n seconds and up to one more, and 5 s times n, with no bound:
///
/// ```
/// # use std::time::Duration;
/// # use durable_runtime as durable;
/// use durable::Retry;
///
/// let doubling = Retry::exponential()
///     .initial_delay(Duration::from_secs(2))
///     .max_delay(Duration::MAX)
///     .added_jitter(Duration::from_secs(1));
/// let growing = Retry::linear()
///     .initial_delay(Duration::from_secs(5))
///     .max_delay(Duration::MAX)
///     .jitter(0.0);
/// # let _ = (doubling, growing);
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Retry {
    backoff: Backoff,
    initial_delay: Duration,
    max_delay: Duration,
    max_attempts: u32,
    jitter: f64,
    added_jitter: Duration,
    unless: Option<fn(&Failure) -> bool>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Backoff {
    Exponential,
    Linear,
}

impl Retry {
    /// Waits twice as long after each failure: 1 s, 2 s, 4 s, ... up to five minutes; three attempts.
    pub const fn exponential() -> Self {
        Self {
            backoff: Backoff::Exponential,
            initial_delay: Duration::from_secs(1),
            max_delay: Duration::from_secs(300),
            max_attempts: 3,
            jitter: 0.2,
            added_jitter: Duration::ZERO,
            unless: None,
        }
    }

    /// Waits longer by the same amount after each failure: 1 s, 2 s, 3 s, ...; three attempts.
    pub const fn linear() -> Self {
        Self {
            backoff: Backoff::Linear,
            ..Self::exponential()
        }
    }

    /// One attempt only.
    pub const fn never() -> Self {
        Self {
            max_attempts: 1,
            ..Self::exponential()
        }
    }

    /// The policy of compensations: patient, since giving up leaves an effect in place.
    pub(crate) const fn compensation() -> Self {
        Self {
            max_attempts: 10,
            ..Self::exponential()
        }
    }

    /// The wait after the first failure. Zero means at once, and what is longer than the longest wait is
    /// that long.
    #[must_use]
    pub const fn initial_delay(mut self, delay: Duration) -> Self {
        self.initial_delay = delay;
        self
    }

    /// The longest wait. [`Duration::MAX`] means for ever: such a run waits until it is canceled.
    #[must_use]
    pub const fn max_delay(mut self, delay: Duration) -> Self {
        self.max_delay = delay;
        self
    }

    /// How many attempts are made in all, the first included; zero counts as one.
    #[must_use]
    pub const fn max_attempts(mut self, attempts: u32) -> Self {
        self.max_attempts = if attempts == 0 { 1 } else { attempts };
        self
    }

    /// How much of each wait is random, from 0 (none) to 1 (all of it); 0.2 if not set. Spreads out
    /// runs that failed together. Less counts as 0, more as 1, and NaN as 0.
    #[must_use]
    pub const fn jitter(mut self, share: f64) -> Self {
        self.jitter = if share.is_nan() {
            0.0
        } else {
            share.clamp(0.0, 1.0)
        };
        self
    }

    /// Adds to each wait a random time of up to this, in place of a share that is random: the
    /// [jitter](Self::jitter) is 0 then, unless it is set after this.
    #[must_use]
    pub const fn added_jitter(mut self, most: Duration) -> Self {
        self.jitter = 0.0;
        self.added_jitter = most;
        self
    }

    /// Does not try again after a failure for which `permanent` says so.
    #[must_use]
    pub const fn unless(mut self, permanent: fn(&Failure) -> bool) -> Self {
        self.unless = Some(permanent);
        self
    }

    /// How long to wait after attempt number `attempt` (from 1) failed; `None` to give up. The jitter
    /// is drawn from `salt`, so that the answer is a function of its arguments.
    pub(crate) fn next_delay(
        &self,
        attempt: u32,
        failure: &Failure,
        salt: i64,
    ) -> Option<Duration> {
        let permanent =
            !failure.is_retryable() || self.unless.is_some_and(|unless| unless(failure));
        if permanent || attempt >= self.max_attempts {
            return None;
        }
        let factor = match self.backoff {
            Backoff::Exponential => 2u32.saturating_pow(attempt.saturating_sub(1)),
            Backoff::Linear => attempt,
        };
        let delay = self
            .initial_delay
            .saturating_mul(factor)
            .min(self.max_delay);
        let draw = crate::random::unit(salt, attempt);
        let jittered = part(delay, 1.0 - self.jitter * draw);
        let jittered = jittered
            .saturating_add(part(self.added_jitter, draw))
            .min(self.max_delay);
        Some(
            failure
                .retry_after()
                .map_or(jittered, |asked| asked.max(jittered)),
        )
    }
}

/// A share of a duration, from 0 to 1. Of `Duration::MAX` it may round up to more than there is.
fn part(of: Duration, share: f64) -> Duration {
    Duration::try_from_secs_f64(of.as_secs_f64() * share).map_or(of, |part| part.min(of))
}

impl Default for Retry {
    fn default() -> Self {
        Self::exponential()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::{FailureKind, StepError};

    fn failure() -> Failure {
        Failure::new(FailureKind::Application, "no")
    }

    #[test]
    fn waits_grow_up_to_the_bound_and_end_after_the_last_attempt() {
        let retry = Retry::exponential()
            .initial_delay(Duration::from_secs(1))
            .max_delay(Duration::from_secs(3))
            .max_attempts(5)
            .jitter(0.0);
        let delays: Vec<_> = (1..=5)
            .map(|attempt| retry.next_delay(attempt, &failure(), 0))
            .collect();
        let seconds = |n| Some(Duration::from_secs(n));
        assert_eq!(
            delays,
            [seconds(1), seconds(2), seconds(3), seconds(3), None]
        );
        let linear = Retry::linear().jitter(0.0).max_attempts(4);
        assert_eq!(linear.next_delay(3, &failure(), 0), seconds(3));
    }

    #[test]
    fn jitter_stays_in_its_share_and_depends_on_the_salt() {
        let retry = Retry::exponential().jitter(0.5);
        let delays: Vec<_> = (0..100)
            .filter_map(|salt| retry.next_delay(1, &failure(), salt))
            .collect();
        assert!(
            delays
                .iter()
                .all(|d| *d >= Duration::from_millis(500) && *d <= Duration::from_secs(1))
        );
        assert!(delays.iter().any(|d| *d < Duration::from_millis(700)));
        assert!(delays.iter().any(|d| *d > Duration::from_millis(800)));
        assert_eq!(
            retry.next_delay(1, &failure(), 7),
            retry.next_delay(1, &failure(), 7)
        );
    }

    #[test]
    fn waits_of_a_power_of_two_and_up_to_a_second_more_and_of_five_seconds_times_the_attempt() {
        let seconds = Duration::from_secs;
        let doubling = Retry::exponential()
            .initial_delay(seconds(2))
            .max_delay(Duration::MAX)
            .max_attempts(40)
            .added_jitter(seconds(1));
        let growing = Retry::linear()
            .initial_delay(seconds(5))
            .max_delay(Duration::MAX)
            .max_attempts(40)
            .jitter(0.0);
        let mut added = Vec::new();
        for attempt in 1..=30 {
            for salt in 0..50 {
                let wait = doubling.next_delay(attempt, &failure(), salt).unwrap();
                let more = wait.checked_sub(seconds(1 << attempt)).unwrap();
                assert!(more <= seconds(1), "{attempt}: {wait:?}");
                added.push(more);
            }
            let wait = growing.next_delay(attempt, &failure(), 7);
            assert_eq!(wait, Some(seconds(5) * attempt));
        }
        // Evenly from 0 to 1.
        let mean = added.iter().sum::<Duration>() / u32::try_from(added.len()).unwrap();
        assert!((0.45..0.55).contains(&mean.as_secs_f64()), "{mean:?}");
        let bounded = doubling.max_delay(seconds(3)).added_jitter(Duration::MAX);
        assert_eq!(bounded.next_delay(5, &failure(), 7), Some(seconds(3)));
    }

    #[test]
    fn every_value_of_every_setter_has_an_effect() {
        let durations = [
            Duration::ZERO,
            Duration::from_nanos(1),
            Duration::from_secs(1),
            Duration::MAX - Duration::from_nanos(1),
            Duration::MAX,
        ];
        let shares = [
            f64::NAN,
            f64::NEG_INFINITY,
            -1.0,
            0.0,
            0.5,
            1.0,
            f64::INFINITY,
        ];
        for initial in durations {
            for longest in durations {
                for share in shares {
                    for retry in [Retry::exponential(), Retry::linear()] {
                        let retry = retry
                            .initial_delay(initial)
                            .max_delay(longest)
                            .jitter(share);
                        for attempt in [0, 1, 2, 33, u32::MAX - 1] {
                            let retry = retry.max_attempts(u32::MAX);
                            let delay = retry.next_delay(attempt, &failure(), 7).unwrap();
                            assert!(delay <= longest, "{retry:?}");
                            let is_exact = share.is_nan() || share <= 0.0;
                            let is_plain = attempt == 1 && initial < Duration::from_secs(2);
                            assert!(!is_exact || !is_plain || delay == initial.min(longest));
                            let more = retry.added_jitter(initial);
                            let delay = more.next_delay(attempt, &failure(), 7).unwrap();
                            assert!(delay <= longest, "{more:?}");
                        }
                        let once = retry.max_attempts(0);
                        assert_eq!(once.next_delay(1, &failure(), 7), None);
                    }
                }
            }
        }
        let for_ever = Retry::default()
            .initial_delay(Duration::MAX)
            .max_delay(Duration::MAX);
        let delay = for_ever.jitter(f64::NAN).next_delay(1, &failure(), 7);
        assert_eq!(delay, Some(Duration::MAX));
    }

    #[test]
    fn permanent_errors_and_the_predicate_end_it_and_a_longer_wish_is_granted() {
        let permanent = StepError::new("x").permanent();
        let permanent = Failure::from_error(Box::new(permanent), "");
        assert_eq!(Retry::default().next_delay(1, &permanent, 0), None);
        let picky = Retry::default().unless(|failure| failure.message() == "no");
        assert_eq!(picky.next_delay(1, &failure(), 0), None);
        let slow = StepError::new("busy").retry_after(Duration::from_secs(60));
        let slow = Failure::from_error(Box::new(slow), "");
        assert_eq!(
            Retry::default().next_delay(1, &slow, 0),
            Some(Duration::from_secs(60))
        );
    }
}
