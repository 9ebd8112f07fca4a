//! Workers, leases, and the runs they claim.

use super::state::State;
use crate::{
    journal::{Epoch, RunKey, Timestamp, WorkerId},
    status::Status,
    store::{Claim, Claimed, LoadedRun},
};

impl State {
    pub(super) fn claim(&mut self, claim: Claim) -> Claimed {
        let mut runs = Vec::new();
        if self.workers.contains_key(&claim.worker) {
            let due: Vec<RunKey> = self
                .due
                .iter()
                .take_while(|(due, _)| *due <= claim.now)
                .take(claim.limit)
                .map(|(_, key)| *key)
                .collect();
            runs.extend(due.into_iter().filter_map(|key| self.take(key, &claim)));
        }
        Claimed {
            runs,
            next_due: self.due.first().map(|(due, _)| *due),
        }
    }

    fn take(&mut self, key: RunKey, claim: &Claim) -> Option<LoadedRun> {
        self.set_due(key, None);
        let run = self.runs.get_mut(&key)?;
        let status = run.status;
        run.owner = Some(claim.worker);
        run.epoch = Epoch::new(run.epoch.get() + 1);
        run.updated_at = claim.now;
        run.reason = None;
        if matches!(status, Status::Pending | Status::Parked) {
            run.status = Status::Running;
        }
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
            events: run.events.clone(),
            mail: self.mailbox(key),
        })
    }

    pub(super) fn register_worker(&mut self, lease_until: Timestamp) -> WorkerId {
        self.last_worker += 1;
        let worker = WorkerId::new(self.last_worker);
        self.workers.insert(worker, lease_until);
        worker
    }

    pub(super) fn renew_lease(&mut self, worker: WorkerId, lease_until: Timestamp) -> bool {
        match self.workers.get_mut(&worker) {
            Some(lease) => {
                *lease = lease_until;
                true
            }
            None => false,
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
        self.workers.retain(|_, lease| *lease >= now);
        let alive: Vec<WorkerId> = self.workers.keys().copied().collect();
        self.free(|_, owner| alive.binary_search(&owner).is_err())
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

    pub(super) fn claim_parked(&mut self, claim: Claim) -> Vec<LoadedRun> {
        if !self.workers.contains_key(&claim.worker) {
            return Vec::new();
        }
        let parked: Vec<RunKey> = self
            .runs
            .iter()
            .filter(|(_, run)| run.status == Status::Parked && run.owner.is_none())
            .filter(|(_, run)| !run.parked_by.contains(&claim.worker))
            .map(|(key, _)| *key)
            .take(claim.limit)
            .collect();
        parked
            .into_iter()
            .filter_map(|key| self.take(key, &claim))
            .collect()
    }
}
