//! Runs that were claimed and cannot be loaded: each waits by itself, and the others are claimed meanwhile.
//!
//! A claim takes its runs before it loads them, so the database knows of which runs it failed: those that are
//! this worker's and not in memory. They are given back and claimed again, fewer at a time, until one is alone.
//! That one is withheld: it stays this worker's, so that nobody claims it, and is given back when its pause
//! is over.

use std::{collections::BTreeMap, time::Duration};

use super::culprits::pause;
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
    /// When it is given back; `None` when it was, and it is not known whether it can be loaded now.
    again_at: Option<Timestamp>,
}

impl Withheld {
    /// A claim failed.
    pub(super) fn note_failed(&mut self, error: &StoreError, took: Duration) {
        self.failed = error.may_be_of_a_part().then(|| (error.to_string(), took));
    }

    /// A run was loaded.
    pub(super) fn note_loaded(&mut self, run: RunKey) {
        self.runs.remove(&run);
    }

    /// No run is due that could be claimed: those that were given back are somebody else's, or have ended.
    pub(super) fn forget_given_back(&mut self) {
        self.runs.retain(|_, culprit| culprit.again_at.is_some());
    }

    /// Finds the culprit among the runs that a claim may have taken, none of which is withheld: the only one, or
    /// one that was it before.
    pub(super) fn judge(&mut self, strays: &[RunKey], now: Timestamp) {
        let Some((error, took)) = self.failed.take() else {
            return;
        };
        for run in strays {
            let before = self.runs.get(run).map(|culprit| culprit.tries);
            if before.is_none() && strays.len() > 1 {
                continue;
            }
            let tries = before.map_or(0, |tries| tries.saturating_add(1));
            let pause = pause(tries, took);
            let what = format!("loading of run {}", run.get());
            observe::worker::set_aside(&what, tries, pause, &error);
            let again_at = Some(now.after(pause));
            self.runs.insert(*run, Culprit { tries, again_at });
        }
    }

    pub(super) fn holds(&self, run: RunKey) -> bool {
        let culprit = self.runs.get(&run);
        culprit.is_some_and(|culprit| culprit.again_at.is_some())
    }

    /// The runs that are not to be given back yet.
    pub(super) fn keys(&self) -> impl Iterator<Item = RunKey> {
        let held = self.runs.iter().filter(|(_, c)| c.again_at.is_some());
        held.map(|(run, _)| *run)
    }

    /// Lets go of the runs whose pause is over. Gives whether there was one.
    pub(super) fn let_go(&mut self, now: Timestamp) -> bool {
        let mut any = false;
        for culprit in self.runs.values_mut() {
            any |= culprit.again_at.take_if(|at| *at <= now).is_some();
        }
        any
    }

    /// When the first pause is over.
    pub(super) fn next(&self) -> Option<Timestamp> {
        self.runs.values().filter_map(|c| c.again_at).min()
    }
}
