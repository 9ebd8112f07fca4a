//! The clock of a database.

use std::{
    future::Future,
    pin::Pin,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use super::{Clock, sleep_until};
use crate::journal::Timestamp;

/// The clock of a database, as far as a client can tell: what it was told last, carried on by the
/// machine's monotonic clock. It lags behind the database's by no more than a reply took to come, and
/// never runs ahead of it, so that no timer fires early. What the machine's own clock says plays no part.
#[derive(Debug)]
pub(crate) struct DatabaseClock {
    reading: Mutex<Reading>,
}

/// What the database's clock said, and between which instants it must have been read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reading {
    pub(crate) time: Timestamp,
    pub(crate) asked: Instant,
    pub(crate) answered: Instant,
}

/// The instant at which the database was asked for the time.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asked(Instant);

impl Asked {
    pub(crate) fn now() -> Self {
        Self(Instant::now())
    }

    /// The answer has just come.
    pub(crate) fn answered(self, time: Timestamp) -> Reading {
        Reading {
            time,
            asked: self.0,
            answered: Instant::now(),
        }
    }
}

impl Reading {
    /// The least that the database's clock can show at an instant.
    fn earliest_at(&self, instant: Instant) -> Timestamp {
        self.time
            .after(instant.saturating_duration_since(self.answered))
    }

    /// The most that it can show.
    fn latest_at(&self, instant: Instant) -> Timestamp {
        self.time
            .after(instant.saturating_duration_since(self.asked))
    }

    /// How far off the reading may be by now: the time the reply took, and a thousandth of its age for
    /// clocks that do not run alike.
    fn error_at(&self, instant: Instant) -> Duration {
        let age = instant.saturating_duration_since(self.answered);
        self.answered.saturating_duration_since(self.asked) + age / 1_000
    }
}

impl DatabaseClock {
    pub(crate) fn new(reading: Reading) -> Self {
        Self {
            reading: Mutex::new(reading),
        }
    }

    /// Takes in a later reading, if it is better than the one before, or contradicts it: then the
    /// database's clock was set.
    pub(crate) fn correct(&self, new: Reading) {
        let mut old = self.reading.lock().unwrap_or_else(PoisonError::into_inner);
        let now = new.answered;
        let is_better = new.error_at(now) <= old.error_at(now);
        let was_set =
            old.earliest_at(now) > new.latest_at(now) || old.latest_at(now) < new.earliest_at(now);
        if is_better || was_set {
            *old = new;
        }
    }
}

impl Clock for DatabaseClock {
    fn now(&self) -> Timestamp {
        let reading = *self.reading.lock().unwrap_or_else(PoisonError::into_inner);
        reading.earliest_at(Instant::now())
    }

    fn sleep_until(&self, at: Timestamp) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(sleep_until(self, at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A reading of `time` microseconds, asked and answered so many microseconds after `start`.
    fn reading(start: Instant, time: i64, asked: u64, answered: u64) -> Reading {
        Reading {
            time: Timestamp::from_micros(time),
            asked: start + Duration::from_micros(asked),
            answered: start + Duration::from_micros(answered),
        }
    }

    fn at(clock: &DatabaseClock, instant: Instant) -> i64 {
        let reading = *clock.reading.lock().unwrap();
        reading.earliest_at(instant).as_micros()
    }

    #[test]
    fn it_never_runs_ahead_of_the_database() {
        let start = Instant::now();
        // The database shows 1,000 us more than has passed since `start`, and was read in the middle.
        let clock = DatabaseClock::new(reading(start, 1_050, 0, 100));
        let later = start + Duration::from_secs(1);
        assert_eq!(at(&clock, later), 1_000_950);
        clock.correct(reading(start, 1_210, 205, 215));
        assert_eq!(at(&clock, later), 1_000_995, "a quicker reply tells more");
        clock.correct(reading(start, 1_400, 300, 900));
        assert_eq!(
            at(&clock, later),
            1_000_995,
            "a slow reply tells nothing new"
        );
    }

    #[test]
    fn an_old_reading_gives_way_to_a_slower_one() {
        let start = Instant::now();
        let clock = DatabaseClock::new(reading(start, 0, 0, 10));
        let second = 1_000_000;
        clock.correct(reading(start, 5_000_300, 5 * second, 5 * second + 4_000));
        let then = start + Duration::from_micros(5 * second + 4_000);
        assert_eq!(at(&clock, then), 5_000_300);
    }

    #[test]
    fn a_database_clock_that_was_set_is_followed_at_once() {
        let start = Instant::now();
        for set_to in [1_000, 9_000_000_000] {
            let clock = DatabaseClock::new(reading(start, 3_600_000_000, 0, 10));
            clock.correct(reading(start, set_to, 100, 5_000));
            let then = start + Duration::from_micros(5_000);
            assert_eq!(at(&clock, then), set_to);
        }
    }
}
