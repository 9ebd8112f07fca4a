//! Workers, leases, and the runs they claim.

use super::state::{Run, State, Worker};
use crate::{
    journal::{Epoch, RunKey, Timestamp, WorkerId},
    record::SUSPECT_DEATHS,
    status::Status,
    store::{Claim, Claimed, LoadedRun, NewWorker, Owned, rules},
};

impl State {
    pub(super) fn claim(&mut self, claim: &Claim) -> Claimed {
        let mut runs = Vec::new();
        if self.workers.contains_key(&claim.worker) {
            let due = self.claimable(claim);
            runs.extend(due.into_iter().filter_map(|key| self.take(key, claim)));
        }
        let may_try = self.may_try(claim);
        let next = self.due.iter();
        let mut next = next
            .filter(|(_, key)| self.is_for(claim, *key))
            .filter(|(_, key)| may_try || !self.is_suspect(*key));
        Claimed {
            runs,
            next_due: next.next().map(|(due, _)| *due),
        }
    }

    /// The runs to take; puts the suspect among them on trial.
    fn claimable(&mut self, claim: &Claim) -> Vec<RunKey> {
        let mut may_try = self.may_try(claim);
        let mut on_trial = None;
        let due = self.due.iter();
        let due: Vec<RunKey> = due
            .take_while(|(due, _)| *due <= claim.now)
            .map(|(_, key)| *key)
            .filter(|key| self.is_for(claim, *key))
            .filter(|key| {
                if !self.is_suspect(*key) {
                    return true;
                }
                if may_try {
                    on_trial = Some(*key);
                }
                std::mem::take(&mut may_try)
            })
            .take(claim.limit)
            .collect();
        let due = self.fitting(due);
        if let (Some(run), Some(worker)) = (on_trial, self.workers.get_mut(&claim.worker)) {
            worker.trial = Some((run, claim.now.after(rules::TRIAL)));
        }
        due
    }

    /// Those of the runs, from the first, that are not too much together.
    fn fitting(&self, mut due: Vec<RunKey>) -> Vec<RunKey> {
        let bytes = due
            .iter()
            .map(|key| self.runs.get(key).map_or(0, Run::bytes));
        due.truncate(rules::fitting(bytes));
        due
    }

    /// Whether the worker may take the run: it can drive it, or nobody can.
    fn is_for(&self, claim: &Claim, run: RunKey) -> bool {
        if claim.except.contains(&run) {
            return false;
        }
        let drives = |worker: &Worker| self.runs.get(&run).is_some_and(|run| worker.drives(run));
        let worker = self.workers.get(&claim.worker);
        worker.is_some_and(drives) || !self.workers.values().any(drives)
    }

    fn is_suspect(&self, run: RunKey) -> bool {
        let run = self.runs.get(&run);
        run.is_some_and(|run| run.deaths >= SUSPECT_DEATHS)
    }

    /// Whether the worker has no suspect on trial.
    fn may_try(&self, claim: &Claim) -> bool {
        let trial = self.workers.get(&claim.worker).and_then(|w| w.trial);
        trial.is_none_or(|(run, until)| until <= claim.now || !self.is_held(claim.worker, run))
    }

    /// Whether the worker still has the run, and the run is where it was at the last death.
    fn is_held(&self, worker: WorkerId, run: RunKey) -> bool {
        let run = self.runs.get(&run);
        run.is_some_and(|run| run.owner == Some(worker) && run.died_at == Some(run.events.len()))
    }

    fn take(&mut self, key: RunKey, claim: &Claim) -> Option<LoadedRun> {
        self.set_due(key, None);
        let run = self.runs.get_mut(&key)?;
        let status = run.status;
        run.owner = Some(claim.worker);
        run.epoch = Epoch::new(run.epoch.get() + 1);
        run.updated_at = claim.now;
        run.reason = None;
        run.set_status(status.claimed());
        let run = self.runs.get(&key)?;
        Some(LoadedRun {
            run: key,
            id: run.id.clone(),
            workflow: run.workflow.clone(),
            status,
            epoch: run.epoch,
            input: run.input.clone(),
            seed: run.seed,
            parent: run.parent.clone(),
            created_at: run.created_at,
            deaths: run.deaths,
            events: run.events.clone(),
            mail: self.mailbox(key),
        })
    }

    pub(super) fn claim_run(&mut self, claim: &Claim, key: RunKey) -> Option<LoadedRun> {
        let run = self.runs.get(&key)?;
        let is_free = match run.owner {
            None => run.due.is_some_and(|due| due <= claim.now) || run.status == Status::Parked,
            Some(owner) => owner == claim.worker,
        };
        let may_take = is_free && self.workers.contains_key(&claim.worker);
        may_take.then(|| self.take(key, claim)).flatten()
    }

    pub(super) fn register_worker(&mut self, new: NewWorker) -> WorkerId {
        self.last_worker += 1;
        let worker = WorkerId::new(self.last_worker);
        let row = Worker {
            lease_until: new.lease_until,
            workflows: new.workflows,
            trial: None,
        };
        self.workers.insert(worker, row);
        worker
    }

    pub(super) fn renew_lease(&mut self, worker: WorkerId, lease_until: Timestamp) -> bool {
        match self.workers.get_mut(&worker) {
            Some(worker) => {
                worker.lease_until = lease_until;
                true
            }
            None => false,
        }
    }

    pub(super) fn leases(&self) -> Vec<(WorkerId, Timestamp)> {
        let workers = self.workers.iter();
        workers
            .map(|(worker, row)| (*worker, row.lease_until))
            .collect()
    }

    pub(super) fn end_leases(&mut self, leases: &[(WorkerId, Timestamp)]) {
        for (worker, until) in leases {
            let worker = self.workers.get_mut(worker);
            if let Some(worker) = worker.filter(|worker| worker.lease_until == *until) {
                worker.lease_until = Timestamp::MIN;
            }
        }
    }

    pub(super) fn retire_worker(&mut self, worker: WorkerId) -> u64 {
        self.workers.remove(&worker);
        self.free(|_, owner| owner == worker)
    }

    pub(super) fn release_strays(&mut self, worker: WorkerId, residents: &[RunKey]) -> u64 {
        self.free(|run, owner| owner == worker && !residents.contains(&run))
    }

    pub(super) fn reap(&mut self, now: Timestamp) -> u64 {
        self.blame(now);
        self.workers.retain(|_, worker| worker.lease_until >= now);
        let alive: Vec<WorkerId> = self.workers.keys().copied().collect();
        self.free(|_, owner| alive.binary_search(&owner).is_err())
    }

    /// Counts the deaths of the workers whose lease has ended.
    fn blame(&mut self, now: Timestamp) {
        for (worker, lease) in &self.workers {
            if lease.lease_until >= now {
                continue;
            }
            let on_trial = lease.trial.map(|(run, _)| run);
            let on_trial = on_trial.filter(|run| self.is_held(*worker, *run));
            for (key, run) in &mut self.runs {
                if run.owner == Some(*worker) && on_trial.is_none_or(|suspect| suspect == *key) {
                    let len = Some(run.events.len());
                    run.deaths = if run.died_at == len {
                        run.deaths + 1
                    } else {
                        1
                    };
                    run.died_at = len;
                }
            }
        }
    }

    pub(super) fn owned(&self, worker: WorkerId) -> Vec<Owned> {
        let runs = self.runs.iter();
        runs.filter(|(_, run)| run.owner == Some(worker))
            .map(|(key, run)| Owned {
                run: *key,
                created_at: Some(run.created_at),
                epoch: run.epoch,
                events: Some(run.events.len()),
            })
            .collect()
    }

    pub(super) fn unread(&self, worker: WorkerId) -> Vec<RunKey> {
        self.runs
            .iter()
            .filter(|(_, run)| run.owner == Some(worker) && !run.mail.is_empty())
            .map(|(key, _)| *key)
            .collect()
    }

    fn free(&mut self, gone: impl Fn(RunKey, WorkerId) -> bool) -> u64 {
        let freed: Vec<RunKey> = self
            .runs
            .iter_mut()
            .filter(|(key, run)| run.owner.is_some_and(|owner| gone(**key, owner)))
            .map(|(key, run)| {
                run.owner = None;
                *key
            })
            .collect();
        for key in &freed {
            self.set_due(*key, Some(Timestamp::MIN));
        }
        freed.len() as u64
    }

    pub(super) fn claim_parked(&mut self, claim: &Claim) -> Vec<LoadedRun> {
        let Some(worker) = self.workers.get(&claim.worker) else {
            return Vec::new();
        };
        let parked: Vec<RunKey> = self
            .runs
            .iter()
            .filter(|(_, run)| run.status == Status::Parked && run.owner.is_none())
            .filter(|(_, run)| worker.drives(run) && !run.parked_by.contains(&claim.worker))
            .map(|(key, _)| *key)
            .filter(|key| !claim.except.contains(key))
            .take(claim.limit)
            .collect();
        self.fitting(parked)
            .into_iter()
            .filter_map(|key| self.take(key, claim))
            .collect()
    }
}

impl Worker {
    fn drives(&self, run: &Run) -> bool {
        let workflows = self.workflows.as_ref();
        workflows.is_none_or(|workflows| workflows.contains(&run.workflow))
    }
}
