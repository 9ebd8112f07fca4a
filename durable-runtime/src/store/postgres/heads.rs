//! Where claims begin to look.
//!
//! Runs that are due are found in an index by workflow and due time. While somebody has a transaction open, the
//! entries of runs that were claimed since it began cannot be removed, and whoever looks passes them all. So
//! it is remembered how far the index was seen to hold nothing more, and the next claim begins there. What
//! comes due later has its place behind that: by its time, or by the number that stands for one. What comes
//! late all the same, because its transaction was slow, is found by looking everywhere, which is done from
//! time to time: nothing rests on what is remembered.

use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, AtomicI64, Ordering},
    },
    time::Duration,
};

use crate::{
    journal::{Timestamp, WorkerId},
    store::Claim,
};

/// How long it takes for what is due to be there for all to see after its number was drawn or its time has
/// come, if nothing is slow.
const SETTLED: Duration = Duration::from_millis(250);
/// How often everything is looked at.
const EVERYWHERE: Duration = Duration::from_secs(5);
/// One in so many parts of the time is spent on looking everywhere, if that takes long.
const SHARE: u32 = 20;
/// How far ahead due times are looked for, unless everything is looked at: the entries of runs that were
/// claimed before their time lie farther on.
pub(super) const AHEAD: Duration = Duration::from_secs(10);
/// The last of the numbers that stand for due times.
const AT_ONCE: i64 = 0;
/// How many runs are looked for that are due and were not taken, in one stretch; and how many are remembered.
pub(super) const LEFT: usize = 8;
const LEFT_MAX: usize = 256;

/// A place in the part of the index that a workflow has: a due time, or what stands for it, and a run.
pub(super) type Spot = (i64, i64);

/// A part of the index: the runs of a workflow from one spot to another.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Stretch {
    pub(super) workflow: String,
    pub(super) from: Spot,
    pub(super) to: Spot,
}

impl Stretch {
    /// All of a workflow's.
    pub(super) fn all(workflow: String) -> Self {
        let (from, to) = ((i64::MIN, i64::MIN), (i64::MAX, i64::MAX));
        Self { workflow, from, to }
    }

    fn between(workflow: &str, from: Spot, to: Spot) -> Self {
        let workflow = workflow.to_owned();
        Self { workflow, from, to }
    }

    fn is_spot(&self) -> bool {
        self.from == self.to
    }
}

/// What a claim has seen of a stretch and has not taken: the first spots that are left, at most [`LEFT`].
#[derive(Debug)]
pub(super) struct Seen {
    pub(super) stretch: Stretch,
    pub(super) left: Vec<Spot>,
}

impl Seen {
    pub(super) fn nothing_of(stretch: Stretch) -> Self {
        let left = Vec::new();
        Self { stretch, left }
    }

    /// The stretch from the first spot that is known to be left.
    pub(super) fn rest(&self) -> Stretch {
        let from = self.left.first().copied().unwrap_or(self.stretch.from);
        Stretch {
            from,
            ..self.stretch.clone()
        }
    }

    pub(super) fn is_due(&self, now: Timestamp) -> bool {
        let first = self.left.first();
        first.is_some_and(|(due, _)| *due <= now.as_micros())
    }
}

/// What a claim has seen.
#[derive(Debug)]
pub(super) struct Search {
    pub(super) seen: Vec<Seen>,
    /// A number, if one was drawn.
    pub(super) number: Option<i64>,
    /// How long it took, if it has looked everywhere, and the workflows that the worker can drive: of the
    /// others that are not among what it has seen, it has seen that they have no runs.
    pub(super) everywhere: Option<(Duration, Vec<String>)>,
}

/// A moment, as the index has it.
#[derive(Debug, Clone, Copy)]
struct Mark {
    at: Timestamp,
    /// What was made due at once since then has a higher number.
    number: i64,
}

/// Where a workflow's runs begin: those that are due at once, and those whose time comes.
#[derive(Debug)]
struct Head {
    workflow: String,
    at_once: Spot,
    in_time: Spot,
}

#[derive(Debug)]
struct Memory {
    worker: WorkerId,
    heads: Vec<Head>,
    /// Runs before the heads that are due and were not taken: somebody else had locked them, or there was no
    /// room.
    left: Vec<Stretch>,
    /// When everything was looked at, and how long it took.
    everywhere: Timestamp,
    took: Duration,
    /// When runs of other workflows are due that nobody can drive.
    elsewhere: i64,
    /// What was made due before the first of them is there for all to see.
    marks: [Mark; 2],
    /// A number for the next mark.
    drawn: Option<i64>,
}

/// What is remembered of the index between claims.
#[derive(Debug)]
pub(super) struct Heads {
    memory: Mutex<Option<Memory>>,
    /// The least due time that was written here since the last claim.
    released: AtomicI64,
    /// Whether others have said since then that runs are due.
    is_told: AtomicBool,
}

impl Default for Heads {
    fn default() -> Self {
        Self {
            memory: Mutex::default(),
            released: AtomicI64::new(i64::MAX),
            is_told: AtomicBool::new(false),
        }
    }
}

impl Heads {
    /// Has the next claim look everywhere.
    pub(super) fn forget(&self) {
        self.with(|memory| *memory = None);
    }

    /// A run was released until this time, which may be past.
    pub(super) fn note_release(&self, due: Timestamp) {
        self.released.fetch_min(due.as_micros(), Ordering::AcqRel);
    }

    /// The workflows that a worker can drive, if they are known.
    pub(super) fn workflows(&self, worker: WorkerId) -> Option<Vec<String>> {
        self.with(|memory| {
            let memory = memory.as_ref().filter(|memory| memory.worker == worker)?;
            let names = memory.heads.iter().map(|head| head.workflow.clone());
            Some(names.collect())
        })
    }

    /// Others say that runs are due.
    pub(super) fn note_told(&self) {
        self.is_told.store(true, Ordering::Release);
    }

    /// When a claim that has found nothing is to look everywhere, because others say that runs are due.
    pub(super) fn hear(&self, claim: &Claim, has_found: bool) -> Option<Timestamp> {
        if !self.is_told.swap(false, Ordering::AcqRel) || has_found {
            return None;
        }
        let again = self.with(|memory| {
            let memory = memory.as_ref()?;
            let pause = SETTLED.max(memory.took.saturating_mul(SHARE));
            Some(memory.everywhere.after(pause))
        });
        let again = again.unwrap_or(claim.now);
        if again > claim.now {
            self.note_told();
        }
        Some(again)
    }

    /// Whether another number is to be drawn.
    pub(super) fn wants_number(&self) -> bool {
        self.with(|memory| memory.as_ref().is_none_or(|memory| memory.drawn.is_none()))
    }

    /// Where a claim is to look; `None` if everywhere.
    pub(super) fn stretches(&self, claim: &Claim) -> Option<Vec<Stretch>> {
        let released = self.released.swap(i64::MAX, Ordering::AcqRel);
        self.with(|memory| {
            let memory = memory.as_ref().filter(|memory| memory.holds(claim))?;
            // No clock says so, but somebody might.
            (released > AT_ONCE).then(|| memory.stretches(claim.now, released))
        })
    }

    /// Takes in what a claim has seen; `None` if it cannot be remembered.
    pub(super) fn learn(&self, claim: &Claim, search: Option<Search>) {
        self.with(|memory| {
            let known = memory.take();
            let Some(mut search) = search else { return };
            let known = known
                .filter(|memory| memory.worker == claim.worker && memory.marks[1].at <= claim.now);
            let known = match search.everywhere.take() {
                Some((took, names)) => {
                    Some(Memory::renewed(known, claim, took, names, &mut search))
                }
                None => known,
            };
            *memory = known.and_then(|memory| memory.learned(claim.now, search));
        });
    }

    fn with<T>(&self, work: impl FnOnce(&mut Option<Memory>) -> T) -> T {
        work(&mut self.memory.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Memory {
    /// Whether it may be gone by.
    fn holds(&self, claim: &Claim) -> bool {
        let pause = EVERYWHERE.max(self.took.saturating_mul(SHARE));
        self.worker == claim.worker
            && (self.everywhere..self.everywhere.after(pause)).contains(&claim.now)
            && claim.now.as_micros() < self.elsewhere
    }

    fn stretches(&self, now: Timestamp, released: i64) -> Vec<Stretch> {
        let ahead = now.after(AHEAD).as_micros();
        let heads = self.heads.iter().flat_map(|head| {
            let in_time = head.in_time.min((released, i64::MIN));
            [
                Stretch::between(&head.workflow, head.at_once, (AT_ONCE, i64::MAX)),
                Stretch::between(&head.workflow, in_time, (ahead, i64::MAX)),
            ]
        });
        heads.chain(self.left.iter().cloned()).collect()
    }

    /// What is known when everything has been looked at.
    fn renewed(
        known: Option<Self>,
        claim: &Claim,
        took: Duration,
        names: Vec<String>,
        search: &mut Search,
    ) -> Self {
        let nothing = Mark {
            at: Timestamp::MIN,
            number: i64::MIN,
        };
        let mut memory = known.unwrap_or_else(|| Self {
            worker: claim.worker,
            heads: names.iter().map(|name| Head::of(name, nothing)).collect(),
            left: Vec::new(),
            everywhere: claim.now,
            took,
            elsewhere: i64::MAX,
            marks: [nothing; 2],
            drawn: None,
        });
        memory.everywhere = claim.now;
        memory.took = took;
        memory.elsewhere = i64::MAX;
        for name in names {
            if search.seen.iter().all(|seen| seen.stretch.workflow != name) {
                search.seen.push(Seen::nothing_of(Stretch::all(name)));
            }
        }
        memory
    }

    /// Moves the heads to where it is not settled yet, or where it is not known what is left. `None` when too
    /// much is left to be remembered.
    fn learned(mut self, now: Timestamp, search: Search) -> Option<Self> {
        if let Some(number) = self.drawn
            && now >= self.marks[1].at.after(SETTLED)
        {
            // It was drawn in an earlier claim, so before this time.
            self.marks = [self.marks[1], Mark { at: now, number }];
            self.drawn = None;
        }
        self.drawn = self.drawn.or(search.number);
        let settled = self.marks[0];
        let mut left = Vec::new();
        for Seen {
            stretch,
            left: spots,
        } in search.seen
        {
            let due: Vec<Spot> = spots
                .iter()
                .copied()
                .filter(|(due, _)| *due <= now.as_micros())
                .collect();
            let mut heads = self.heads.iter_mut();
            let Some(head) = heads.find(|head| head.workflow == stretch.workflow) else {
                // Nobody can drive it.
                if !due.is_empty() {
                    return None;
                }
                let next = spots.first().map_or(i64::MAX, |(due, _)| *due);
                self.elsewhere = self.elsewhere.min(next);
                continue;
            };
            if !stretch.is_spot() {
                // If there are so many, there may be more.
                let last = due.last().copied().filter(|_| due.len() >= LEFT);
                head.advance(&stretch, settled, last);
            }
            let behind = due.into_iter().filter(|spot| head.has_passed(*spot));
            left.extend(behind.map(|spot| Stretch::between(&stretch.workflow, spot, spot)));
        }
        self.left = left;
        (self.left.len() <= LEFT_MAX).then_some(self)
    }
}

impl Head {
    fn of(workflow: &str, mark: Mark) -> Self {
        Self {
            workflow: workflow.to_owned(),
            at_once: (mark.number, i64::MIN),
            in_time: (mark.at.as_micros().max(AT_ONCE + 1), i64::MIN),
        }
    }

    /// What this stretch has is known, up to a spot if there is one, but for what is not settled.
    fn advance(&mut self, stretch: &Stretch, settled: Mark, last: Option<Spot>) {
        let settled = Self::of("", settled);
        let last = last.unwrap_or((i64::MAX, i64::MAX));
        if stretch.from.0 <= AT_ONCE {
            self.at_once = self.at_once.max(settled.at_once).min(last);
        }
        // If the last is of those that are due at once, nothing is known of those whose time comes.
        if stretch.to.0 > AT_ONCE && last.0 > AT_ONCE {
            self.in_time = self.in_time.max(settled.in_time).min(last);
        }
    }

    fn has_passed(&self, spot: Spot) -> bool {
        match spot.0 <= AT_ONCE {
            true => spot < self.at_once,
            false => spot < self.in_time,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Timestamp = Timestamp::from_micros(1_700_000_000_000_000);
    const FIRST: Spot = (i64::MIN, i64::MIN);

    fn claim(after: Duration) -> Claim {
        Claim::new(WorkerId::new(1), START.after(after), 10)
    }

    fn millis(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    /// Looks where it is to, and finds these runs left. Gives where it was.
    fn look(heads: &Heads, claim: &Claim, number: i64, left: &[Spot]) -> Option<Vec<Stretch>> {
        let stretches = heads.stretches(claim);
        let everywhere = stretches
            .is_none()
            .then(|| (millis(1), vec!["w".to_owned()]));
        let whole = || vec![Stretch::all("w".to_owned())];
        let seen = stretches.clone().unwrap_or_else(whole);
        let seen = seen.into_iter().map(|stretch| Seen {
            left: left
                .iter()
                .copied()
                .filter(|spot| (stretch.from..=stretch.to).contains(spot))
                .take(LEFT)
                .collect(),
            stretch,
        });
        let search = Search {
            seen: seen.collect(),
            number: heads.wants_number().then_some(number),
            everywhere,
        };
        heads.learn(claim, Some(search));
        stretches
    }

    /// Where a claim begins: with what is due at once, and with what is due by its time.
    fn begins(stretches: Option<Vec<Stretch>>) -> Vec<Spot> {
        let stretches = stretches.unwrap_or_default();
        stretches.iter().map(|stretch| stretch.from).collect()
    }

    /// Heads that have passed all before number -100 and before `START`.
    fn settled() -> Heads {
        let heads = Heads::default();
        assert_eq!(look(&heads, &claim(millis(0)), -100, &[]), None);
        for after in [0, 300, 600] {
            look(&heads, &claim(millis(after)), -100, &[]);
        }
        heads
    }

    fn time(after: u64) -> i64 {
        START.after(millis(after)).as_micros()
    }

    #[test]
    fn what_was_looked_through_is_passed_when_it_is_settled() {
        let heads = Heads::default();
        assert_eq!(look(&heads, &claim(millis(0)), -100, &[]), None);
        for (after, number) in [(10, -90), (200, -80), (270, -70)] {
            let begins = begins(look(&heads, &claim(millis(after)), number, &[]));
            assert_eq!(begins[0], FIRST, "after {after} ms");
        }
        // The number was drawn at 200 ms, and is as old as what came at 270 ms.
        for (after, number, settled) in [(520, -60, -100), (780, -50, -80)] {
            look(&heads, &claim(millis(after)), number, &[]);
            let begins = begins(heads.stretches(&claim(millis(after))));
            assert_eq!(begins[0].0, settled, "after {after} ms");
        }
    }

    #[test]
    fn everything_is_looked_at_from_time_to_time_and_when_a_clock_was_set_back() {
        for (after, is_remembered) in [(700, true), (4_900, true), (5_000, false), (90_000, false)]
        {
            let heads = settled();
            let stretches = heads.stretches(&claim(millis(after)));
            assert_eq!(stretches.is_some(), is_remembered, "after {after} ms");
        }
        let heads = settled();
        look(&heads, &claim(millis(6_000)), -90, &[]);
        assert_eq!(heads.stretches(&claim(millis(5_999))), None);
    }

    #[test]
    fn looking_everywhere_takes_a_part_of_the_time_alone() {
        let heads = settled();
        let search = |took| Search {
            seen: Vec::new(),
            number: None,
            everywhere: Some((took, Vec::new())),
        };
        heads.learn(&claim(millis(1_000)), Some(search(millis(800))));
        assert!(heads.stretches(&claim(millis(16_999))).is_some());
        assert!(heads.stretches(&claim(millis(17_000))).is_none());
    }

    #[test]
    fn what_was_released_late_by_this_process_is_found() {
        let heads = settled();
        let late = Timestamp::from_micros(time(0) - 5);
        heads.note_release(late);
        heads.note_release(START.after(millis(9_000)));
        let begin = begins(look(&heads, &claim(millis(700)), -90, &[]))[1];
        assert_eq!(begin.0, late.as_micros());
        let begin = begins(heads.stretches(&claim(millis(700))))[1];
        assert!(begin.0 >= time(0), "{begin:?}");
        // What looks like a number may be anywhere.
        heads.note_release(Timestamp::from_micros(-7));
        assert_eq!(heads.stretches(&claim(millis(700))), None);
    }

    #[test]
    fn what_is_left_is_remembered_by_itself_or_not_passed() {
        let heads = settled();
        let left = [(time(0) - 9, 1), (time(0) - 3, 2)];
        heads.forget();
        look(&heads, &claim(millis(700)), -90, &left);
        for after in [1_000, 1_300, 1_600] {
            look(&heads, &claim(millis(after)), -90, &left);
        }
        let stretches = heads.stretches(&claim(millis(1_600))).unwrap();
        assert!(stretches[1].from.0 >= time(700), "{stretches:?}");
        let spots = left.map(|spot| Stretch::between("w", spot, spot));
        assert_eq!(stretches[2..], spots);
        // More than are looked for, and more than are remembered.
        for count in [20, 2_000] {
            let many: Vec<Spot> = (0..count).map(|run| (time(0), run)).collect();
            let heads = settled();
            heads.forget();
            for after in (1_000..4_000).step_by(100) {
                look(&heads, &claim(millis(after)), -90, &many);
                let Some(stretches) = heads.stretches(&claim(millis(after))) else {
                    continue;
                };
                let is_seen = |spot| stretches.iter().any(|s| (s.from..=s.to).contains(spot));
                assert!(many.iter().all(is_seen), "{stretches:?}");
            }
        }
    }

    #[test]
    fn who_is_told_and_finds_nothing_looks_everywhere_but_not_all_the_time() {
        let heads = settled();
        assert_eq!(heads.hear(&claim(millis(700)), false), None);
        heads.note_told();
        assert_eq!(heads.hear(&claim(millis(700)), true), None);
        assert_eq!(heads.hear(&claim(millis(700)), false), None);
        heads.note_told();
        let again = heads.hear(&claim(millis(100)), false);
        assert_eq!(again, Some(START.after(SETTLED)));
        let now = claim(millis(250));
        assert_eq!(heads.hear(&now, false), Some(now.now));
        assert_eq!(heads.hear(&now, false), None);
    }

    #[test]
    fn a_run_that_nobody_can_drive_is_looked_for_everywhere_when_it_is_due() {
        let heads = settled();
        let seen = |left| {
            let stretch = Stretch::all("other".to_owned());
            vec![Seen { stretch, left }]
        };
        let search = |left| Search {
            seen: seen(left),
            number: None,
            everywhere: Some((millis(1), vec!["w".to_owned()])),
        };
        heads.learn(&claim(millis(700)), Some(search(vec![(time(900), 1)])));
        assert!(heads.stretches(&claim(millis(899))).is_some());
        assert!(heads.stretches(&claim(millis(900))).is_none());
        heads.learn(&claim(millis(900)), Some(search(vec![(time(900), 1)])));
        assert!(heads.stretches(&claim(millis(901))).is_none());
    }
}
