//! When what stood in the way of others is tried alone, so that this costs them little.
//!
//! During a try everybody waits, as there is one writer. So each is followed by a pause in which nothing is tried
//! alone and which is so much longer than the try was: however many culprits there are, and however long each
//! takes, together they get one part in nine of the time.

use std::time::Duration;

/// The first pause before something is tried again; each is twice the one before.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// A pause is so much longer than the try before it took.
const PAUSE_PER_TRY: u32 = 8;

/// How long what failed alone waits, after so many tries of which the last took so long.
pub(super) fn pause(tries: u32, took: Duration) -> Duration {
    let pause = FIRST_PAUSE.saturating_mul(1 << tries.min(16));
    pause
        .min(LONGEST_PAUSE)
        .max(took.saturating_mul(PAUSE_PER_TRY))
}

/// When anything may be tried alone, by steady time.
#[derive(Debug, Default)]
pub(super) struct Turn {
    at: Duration,
}

impl Turn {
    pub(super) fn has_come(&self, now: Duration) -> bool {
        now >= self.at
    }

    /// Something was tried, which took so long.
    pub(super) fn note_try(&mut self, now: Duration, took: Duration) {
        self.at = now + took.saturating_mul(PAUSE_PER_TRY);
    }

    /// When something is tried that is to be tried at a time.
    pub(super) fn after(&self, time: Duration) -> Duration {
        self.at.max(time)
    }
}

/// How often a request was tried alone.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Tries {
    pub(super) all: u32,
    /// Those before which others were written: the database works, and does not take this.
    pub(super) beside_others: u32,
    /// How many batches had been written when it was tried last.
    batches: u64,
}

impl Tries {
    /// None, when so many batches were written.
    pub(super) fn none(batches: u64) -> Self {
        Self {
            batches,
            ..Self::default()
        }
    }

    /// One more, when so many batches were written.
    pub(super) fn one_more(self, batches: u64) -> Self {
        let others = u32::from(batches > self.batches);
        Self {
            all: self.all.saturating_add(1),
            beside_others: self.beside_others.saturating_add(others),
            batches,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// How much of a day tries take of so many culprits, of which each takes so long.
    fn time_of_tries(culprits: usize, took: Duration) -> Duration {
        let day = Duration::from_secs(86_400);
        let (mut now, mut spent) = (Duration::ZERO, Duration::ZERO);
        let mut turn = Turn::default();
        let mut waiting = vec![(Duration::ZERO, 0); culprits];
        while let Some(next) = waiting.iter_mut().min() {
            now = turn.after(next.0).max(now);
            if now >= day {
                break;
            }
            assert!(turn.has_come(now));
            (now, spent) = (now + took, spent + took);
            turn.note_try(now, took);
            *next = (now + pause(next.1, took), next.1 + 1);
        }
        spent
    }

    #[test]
    fn however_many_culprits_there_are_they_get_a_ninth_of_the_time() {
        let ninth = Duration::from_secs(86_400) / 9;
        for culprits in [1, 2, 10, 1_000] {
            for seconds in [1, 10, 60, 600] {
                let took = SECOND * seconds;
                let spent = time_of_tries(culprits, took);
                assert!(
                    spent <= ninth + took && spent >= took,
                    "{culprits} of {took:?}: {spent:?}"
                );
            }
        }
    }

    #[test]
    fn pauses_grow_to_a_minute_and_with_what_a_try_takes() {
        let pauses = (0..9).map(|tries| pause(tries, Duration::ZERO).as_secs());
        assert_eq!(pauses.collect::<Vec<_>>(), [1, 2, 4, 8, 16, 32, 60, 60, 60]);
        assert_eq!(pause(0, SECOND * 10), SECOND * 80);
    }

    #[test]
    fn a_try_counts_against_a_run_when_others_were_written_before_it() {
        let tries = Tries::none(5).one_more(5).one_more(7).one_more(7);
        assert_eq!((tries.all, tries.beside_others), (3, 1));
    }
}
