//! What a worker sees of the leases of others, by its own steady time.
//!
//! The end of a lease is a time by the clock that all go by. When that clock is set back, the lease of one who died
//! shortly before ends much later than it should. But whoever is alive renews its lease, so it changes; and a
//! lease that does not for twice as long as it can last has ended, whatever the clock says.

use std::{collections::BTreeMap, time::Duration};

use crate::journal::{Timestamp, WorkerId};

#[derive(Debug, Default)]
pub(super) struct Watch {
    leases: BTreeMap<WorkerId, Seen>,
    looked: Option<Look>,
}

/// A lease, as it was seen last.
#[derive(Debug, Clone, Copy)]
struct Seen {
    until: Timestamp,
    /// Since when it says so, as far as is known.
    since: Duration,
    /// How long it lasts at most.
    length: Duration,
}

/// When somebody looked, by steady time and by the clock.
#[derive(Debug, Clone, Copy)]
pub(super) struct Look {
    pub(super) steady: Duration,
    pub(super) clock: Timestamp,
}

impl Watch {
    /// Notes what leases there are. `own`: how long the worker's own lasts.
    pub(super) fn look(&mut self, leases: &[(WorkerId, Timestamp)], now: Look, own: Duration) {
        // What is new was written since the last look, also if the clock was set back meanwhile.
        let written_after = self.looked.replace(now).map(|before| {
            let passed = now.steady.saturating_sub(before.steady);
            let passed = i64::try_from(passed.as_micros()).unwrap_or(i64::MAX);
            let back = now.clock.as_micros().saturating_sub(passed);
            before.clock.min(Timestamp::from_micros(back))
        });
        let known = std::mem::take(&mut self.leases);
        for (worker, until) in leases {
            let before = known.get(worker);
            let seen = match before.filter(|seen| seen.until == *until) {
                Some(seen) => *seen,
                None => {
                    // What was there at the first look may have been written at any time.
                    let length = until.since(written_after.unwrap_or(now.clock)).max(own);
                    Seen {
                        until: *until,
                        since: now.steady,
                        length: before.map_or(length, |seen| seen.length.min(length)),
                    }
                }
            };
            self.leases.insert(*worker, seen);
        }
    }

    /// The leases that were not renewed for twice as long as they can last.
    pub(super) fn ended(&self, now: Duration) -> Vec<(WorkerId, Timestamp)> {
        let leases = self.leases.iter();
        let ended = leases.filter(|(_, seen)| now.saturating_sub(seen.since) > seen.length * 2);
        ended.map(|(worker, seen)| (*worker, seen.until)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ME: Duration = Duration::from_secs(15);
    const WORKER: WorkerId = WorkerId::new(7);

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    /// A worker with a lease of this length that renews it every third of that until it dies, one that looks every
    /// five seconds, and a clock that is set by so many seconds at a time. Gives when it is thought dead.
    fn watch(lease: u64, phase: u64, dies: u64, set: &[(u64, i64)]) -> Option<u64> {
        let mut watch = Watch::default();
        let mut until = None;
        for time in 0..5_000.max(lease * 3) {
            let by: i64 = set
                .iter()
                .filter(|(at, _)| *at <= time)
                .map(|set| set.1)
                .sum();
            let clock = 1_000_000_000 + time.cast_signed() + by;
            let clock = Timestamp::from_micros(clock * 1_000_000);
            if time < dies && (time + phase).is_multiple_of((lease / 3).max(1)) {
                until = Some(clock.after(seconds(lease)));
            }
            if time % 5 == 0 {
                let now = Look {
                    steady: seconds(time),
                    clock,
                };
                let leases: Vec<_> = until.map(|until| (WORKER, until)).into_iter().collect();
                watch.look(&leases, now, ME);
                if !watch.ended(now.steady).is_empty() {
                    return Some(time);
                }
            }
        }
        None
    }

    /// What may happen to the clock around this time.
    fn settings(time: u64) -> Vec<Vec<(u64, i64)>> {
        const HOUR: i64 = 3_600;
        vec![
            vec![],
            vec![(time, -HOUR)],
            vec![(time, -20)],
            vec![(time, HOUR)],
            vec![(time, HOUR), (time + 7, -HOUR)],
            vec![(time, -HOUR), (time + 7, HOUR)],
            vec![(time, -HOUR), (time + 60, -HOUR), (time + 90, 24 * HOUR)],
        ]
    }

    #[test]
    fn nobody_who_renews_its_lease_is_thought_dead() {
        for lease in [3, 15, 40, 3_600, 14_400] {
            for time in 1_000..1_006 {
                for set in settings(time) {
                    assert_eq!(watch(lease, 2, u64::MAX, &set), None, "{lease}: {set:?}");
                }
            }
        }
    }

    /// Also if it renewed its lease where nobody saw it before the clock was set.
    #[test]
    fn whoever_died_is_noticed_whatever_the_clock_is_set_to() {
        for (lease, longest) in [(3, 40), (15, 60), (300, 640)] {
            for (phase, time) in (0..5).flat_map(|phase| (1_000..1_006).map(move |at| (phase, at)))
            {
                for set in settings(time) {
                    let noticed = watch(lease, phase, time, &set).unwrap();
                    assert!(
                        noticed > time && noticed - time <= longest,
                        "{lease}, {phase}: {set:?}, {noticed}"
                    );
                }
            }
        }
    }

    /// Who looks for the first time cannot know how long a lease lasts: it goes by the clock.
    #[test]
    fn a_lease_that_was_there_before_lasts_as_long_as_it_says() {
        let mut watch = Watch::default();
        let clock = Timestamp::from_micros(1 << 50);
        let lease = [(WORKER, clock.after(seconds(3_600)))];
        for (time, ended) in [(0, 0), (60, 0), (7_200, 0), (7_201, 1)] {
            let steady = seconds(time);
            watch.look(&lease, Look { steady, clock }, ME);
            assert_eq!(watch.ended(steady).len(), ended, "{time}");
        }
        watch.look(
            &[],
            Look {
                steady: seconds(8_000),
                clock,
            },
            ME,
        );
        assert!(watch.ended(seconds(90_000)).is_empty(), "it is gone");
    }
}
