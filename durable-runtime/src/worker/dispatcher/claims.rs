//! Runs come to this worker: started for it, due, or parked and to be tried.

use std::{sync::Arc, time::Duration};

use super::{Dispatcher, Request, Size, persist::keeping_the_lease};
use crate::{
    journal::{Epoch, MailId, Payload, RunKey, Timestamp},
    observe,
    registry::Definition,
    replay::{Identity, Machine},
    status::Status,
    store::{Claim, Commit, LoadedRun, NewRun, Ownership, RunUpdate, StoreError},
    worker::{
        slot::{Input, Slot},
        workflow_task::WorkflowTask,
    },
};

/// Which run a worker lets go of, and where its journal ends.
#[derive(Debug, Clone, Copy)]
struct Place {
    run: RunKey,
    created_at: Timestamp,
    epoch: Epoch,
    position: u32,
}

impl Dispatcher {
    /// Begins to drive a run that was started for this worker.
    pub(super) fn take_started(&mut self, key: RunKey, run: NewRun) {
        let Some(worker) = run.owner else {
            self.look_for_runs();
            return;
        };
        // A start whose reply was lost may have been taken already.
        let there = self.shared.residents.find(key);
        let is_taken = there.is_some_and(|slot| slot.created_at == run.at);
        if worker != self.shared.worker() || is_taken {
            return;
        }
        let epoch = Epoch::new(1);
        let Some(definition) = self.shared.registry.find(&run.workflow) else {
            // A child, for a worker that can drive it.
            let update = RunUpdate {
                status: Status::Pending,
                ownership: Ownership::Release {
                    due: Some(run.at),
                    seen: MailId::new(0),
                },
                reason: None,
            };
            let place = Place {
                run: key,
                created_at: run.at,
                epoch,
                position: 0,
            };
            return self.let_go(place, update);
        };
        let identity = Identity {
            run: key,
            id: run.id,
            created_at: run.at,
            epoch,
            worker,
            seed: run.seed,
            parent: run.parent,
            blueprint: definition,
        };
        let machine = Machine::start(identity, self.shared.machine_limits(), run.at);
        self.spawn(machine, definition, 0, run.input, false, MailId::new(0));
    }

    /// Begins to drive a run of whose journal so many events are durable.
    fn spawn(
        &self,
        machine: Machine,
        definition: &'static Definition,
        durable: usize,
        input: Payload,
        on_trial: bool,
        read_to: MailId,
    ) {
        let slot = Slot::new(machine.identity(), durable, self.last_mail);
        slot.note_read_to(read_to);
        if let Some(before) = self.shared.residents.insert(&slot) {
            // The database says that nobody had it, or that its number is another run's now.
            before.push(Input::Drop);
        }
        let task = WorkflowTask::new(&self.shared, slot, machine, definition, input, on_trial);
        self.shared.runtime.spawn(task);
    }

    pub(super) async fn claim(&mut self, now: Timestamp) {
        self.next_poll = self.shared.steady.at(now) + self.shared.poll();
        self.next_claim = Timestamp::MAX;
        let Some(claim) = self.next_claim_of(now).await else {
            return;
        };
        let (limit, start) = (claim.limit, self.shared.steady.now());
        match keeping_the_lease(&self.shared, self.shared.store.claim(claim)).await {
            Ok(claimed) => {
                self.shared.note_success();
                self.note_claim(claimed.runs.len(), start);
                self.short_of_room = claimed.runs.len() == limit;
                self.next_claim = claimed.next_due.unwrap_or(Timestamp::MAX);
                observe::worker::claimed(self.shared.worker(), claimed.runs.len());
                for run in claimed.runs {
                    self.take_claimed(run);
                }
            }
            // What it took is found when the doubt is settled.
            Err(error) => {
                if self.note_failed_claim(limit, start, &error) {
                    self.look_for_runs();
                }
                self.claim_again(&error);
                if error.may_be_of_a_part() {
                    self.settle_doubt().await;
                }
            }
        }
    }

    /// A claim went well that began at this time.
    pub(super) fn note_claim(&mut self, runs: usize, start: Duration) {
        let took = self.shared.steady.now().saturating_sub(start);
        self.claim_bounds.grow(Size::items(runs), took);
    }

    /// A claim of so many runs failed. Gives whether another may succeed at once: of fewer runs, or without the
    /// one that stood in the way.
    pub(super) fn note_failed_claim(
        &mut self,
        limit: usize,
        start: Duration,
        error: &StoreError,
    ) -> bool {
        let now = self.shared.steady.now();
        let took = now.saturating_sub(start);
        if let Some(run) = error.culprit() {
            self.withheld.withhold(run, &error.to_string(), took, now);
            return true;
        }
        self.withheld.note_failed(error, took);
        if !error.may_be_of_a_part() {
            return false;
        }
        let timed_out = error.is_timeout().then_some(took);
        self.claim_bounds.shrink(Size::items(limit), timed_out);
        limit > 1
    }

    /// The database did not answer: it is asked again at the next poll.
    pub(super) fn claim_again(&mut self, error: &StoreError) {
        self.next_claim = self.next_claim.min(self.shared.wall(self.next_poll));
        self.shared.note_trouble(error);
    }

    /// What to ask for; `None` when there is no room, or before it is known what a claim took.
    pub(super) async fn next_claim_of(&mut self, now: Timestamp) -> Option<Claim> {
        if !self.settle_doubt().await {
            return None;
        }
        let residents = self.shared.residents.len();
        let room = self
            .shared
            .limits
            .resident_runs_max
            .saturating_sub(residents);
        self.short_of_room = room == 0;
        let ready = room > 0 && !self.shared.is_stopping();
        ready.then(|| Claim {
            worker: self.shared.worker(),
            now,
            limit: room.min(self.claim_bounds.items()),
            except: self.withheld.keys().collect(),
        })
    }

    /// Begins to drive a run that was claimed, or parks it when this build cannot.
    pub(super) fn take_claimed(&mut self, mut run: LoadedRun) {
        self.withheld.forget(run.run);
        let on_trial = run.is_on_trial();
        if on_trial {
            self.on_trial = Some(run.run);
        }
        let durable = run.events.len();
        let place = Place {
            run: run.run,
            created_at: run.created_at,
            epoch: run.epoch,
            position: u32::try_from(durable).unwrap_or(u32::MAX),
        };
        let Some(definition) = self.shared.registry.find(&run.workflow) else {
            let reason = self.shared.registry.unknown(&run.workflow);
            observe::run::parked(&run.id, &run.workflow, &reason);
            return self.park(place, reason);
        };
        if let Some(reason) = self.shared.limits.too_many_deaths(&run) {
            observe::run::parked(&run.id, definition.name, &reason);
            return self.park(place, reason);
        }
        let (id, input) = (run.id.clone(), run.input.clone());
        let read_to = run.mail.last().map_or(MailId::new(0), |mail| mail.id);
        let identity = self.identify(&mut run, definition);
        match Machine::load(identity, self.shared.machine_limits(), run) {
            Ok(machine) => self.spawn(machine, definition, durable, input, on_trial, read_to),
            Err(reason) => {
                let reason = reason.to_string();
                observe::run::parked(&id, definition.name, &reason);
                self.park(place, reason);
            }
        }
    }

    /// The task of a run is gone: the run is claimed anew, or parked if it would only happen again.
    pub(super) fn bury(&mut self, slot: &Arc<Slot>, panicked: bool) {
        self.shared.residents.remove(slot);
        if panicked {
            let place = Place {
                run: slot.run,
                created_at: slot.created_at,
                epoch: slot.epoch,
                position: u32::try_from(slot.durable()).unwrap_or(u32::MAX),
            };
            let reason = "the engine panicked while it drove this run; the panic is in the log";
            return self.park(place, reason.to_owned());
        }
        self.shared.doubt();
        self.look_for_runs();
    }

    pub(super) fn identify(
        &self,
        run: &mut LoadedRun,
        definition: &'static Definition,
    ) -> Identity {
        Identity {
            run: run.run,
            id: run.id.clone(),
            created_at: run.created_at,
            epoch: run.epoch,
            worker: self.shared.worker(),
            seed: run.seed,
            parent: run.parent.take(),
            blueprint: definition,
        }
    }

    fn park(&self, place: Place, reason: String) {
        let ownership = Ownership::Release {
            due: None,
            seen: MailId::new(i64::MAX),
        };
        let update = RunUpdate {
            status: Status::Parked,
            ownership,
            reason: Some(reason),
        };
        self.let_go(place, update);
    }

    fn let_go(&self, place: Place, update: RunUpdate) {
        let commit = Commit {
            run: place.run,
            created_at: place.created_at,
            epoch: place.epoch,
            position: place.position,
            events: Vec::new(),
            update: Some(update),
            children: Vec::new(),
            consumed: Vec::new(),
            outgoing: Vec::new(),
            at: self.shared.clock.now(),
        };
        self.shared.request(Request::LetGo { commit });
    }
}
