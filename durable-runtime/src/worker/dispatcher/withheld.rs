//! Runs that were to be claimed and cannot be taken or loaded: each waits by itself, and the others are claimed
//! meanwhile.
//!
//! A claim takes its runs before it loads them, so the database knows of which runs it failed: those that are
//! this worker's and not in memory. They are given back and claimed again, fewer at a time, until one is alone.
//! That one is withheld: it stays this worker's, so that nobody claims it, and when its pause is over it is
//! loaded by itself. So is a run that cannot even be taken; claims pass by it meanwhile.

use std::{collections::BTreeMap, time::Duration};

use super::{Dispatcher, persist::keeping_the_lease, tries::pause};
use crate::{
    journal::{RunKey, Timestamp},
    observe,
    store::StoreError,
};

#[derive(Debug, Default)]
pub(super) struct Withheld {
    runs: BTreeMap<RunKey, Culprit>,
    /// Why the last claim failed, if that may be about one of its runs, and how long it took.
    failed: Option<(String, Duration)>,
}

#[derive(Debug)]
struct Culprit {
    tries: u32,
    /// When it is tried again, by steady time.
    again_at: Duration,
}

impl Withheld {
    /// A claim failed.
    pub(super) fn note_failed(&mut self, error: &StoreError, took: Duration) {
        self.failed = error.may_be_of_a_part().then(|| (error.to_string(), took));
    }

    /// A run is not to be withheld any more.
    pub(super) fn forget(&mut self, run: RunKey) {
        self.runs.remove(&run);
    }

    /// Finds the culprit among the runs that a claim may have taken: the only one.
    pub(super) fn judge(&mut self, strays: &[RunKey], now: Duration) {
        if let Some((error, took)) = self.failed.take()
            && let [run] = strays
        {
            self.withhold(*run, &error, took, now);
        }
    }

    /// Withholds a run for which a call failed that took so long.
    pub(super) fn withhold(&mut self, run: RunKey, error: &str, took: Duration, now: Duration) {
        let before = self.runs.get(&run).map(|culprit| culprit.tries);
        let tries = before.map_or(0, |tries| tries.saturating_add(1));
        let pause = pause(tries, took);
        let what = format!("loading of run {}", run.get());
        observe::worker::set_aside(&what, tries, pause, &error);
        let again_at = now + pause;
        self.runs.insert(run, Culprit { tries, again_at });
    }

    /// A run is not to be tried before this time.
    fn postpone(&mut self, run: RunKey, until: Duration) {
        if let Some(culprit) = self.runs.get_mut(&run) {
            culprit.again_at = until;
        }
    }

    pub(super) fn holds(&self, run: RunKey) -> bool {
        self.runs.contains_key(&run)
    }

    /// The runs that are not to be given back, nor claimed with others.
    pub(super) fn keys(&self) -> impl Iterator<Item = RunKey> {
        self.runs.keys().copied()
    }

    /// The run whose pause was over first, if one is.
    fn due(&self, now: Duration) -> Option<RunKey> {
        let due = self.runs.iter().filter(|(_, run)| run.again_at <= now);
        due.min_by_key(|(_, run)| run.again_at).map(|(run, _)| *run)
    }

    /// When the first pause is over.
    pub(super) fn next(&self) -> Option<Duration> {
        self.runs.values().map(|culprit| culprit.again_at).min()
    }
}

impl Dispatcher {
    /// Tries the runs that are withheld, each alone, if its time has come.
    pub(super) async fn try_withheld(&mut self, now: Timestamp) {
        while self.may_try()
            && let Some(run) = self.withheld.due(self.shared.steady.now())
        {
            let Some(claim) = self.next_claim_of(now).await else {
                return self.withheld.postpone(run, self.next_poll);
            };
            let start = self.shared.steady.now();
            let loading = self.shared.store.claim_run(claim.worker, now, run);
            let loaded = keeping_the_lease(&self.shared, loading).await;
            let took = self.note_try(start);
            match loaded {
                Ok(loaded) => {
                    self.shared.note_success();
                    self.withheld.forget(run);
                    match loaded {
                        Some(loaded) => self.take_claimed(loaded),
                        // It may be this worker's all the same.
                        None => self.shared.doubt(),
                    }
                }
                Err(error) if error.may_be_of_a_part() => {
                    let now = self.shared.steady.now();
                    self.withheld.withhold(run, &error.to_string(), took, now);
                }
                Err(error) => {
                    self.withheld.postpone(run, self.next_poll);
                    return self.claim_again(&error);
                }
            }
        }
    }
}
