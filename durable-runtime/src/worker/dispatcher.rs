//! The one writer: gathers what all runs have to write, claims runs, fires timers, keeps the lease.
//!
//! It is one actor, so that what it learns from the store and what it does about it happen in one
//! order: mail for a run goes either to the run's task or to its row, never between the two.

use std::{sync::Arc, time::Duration};

use tokio::sync::{mpsc, oneshot};

use super::{
    Ending, Shared,
    slot::{Input, Slot},
    workflow_task::WorkflowTask,
};
use crate::{
    graph::Definition,
    journal::{Epoch, EventKind, RunKey, Timestamp},
    replay::{Identity, Machine},
    status::Status,
    store::{
        Batch, BatchOutcome, Claim, Commit, CommitOutcome, Delivery, LoadedRun, Mail, MailKind,
        MailOutcome, NewMail, NewRun, Ownership, RunUpdate, StartOutcome, StoreError,
    },
};

/// The most requests that go into one batch.
const BATCH_MAX: usize = 2_000;
/// The most runs that are claimed in one transaction.
const CLAIM_MAX: usize = 500;

/// What is asked of the dispatcher.
#[derive(Debug)]
pub(crate) enum Request {
    /// Write the progress of a run.
    Commit { commit: Commit, slot: Arc<Slot> },
    /// Start a run.
    Start {
        run: NewRun,
        reply: oneshot::Sender<StartReply>,
    },
    /// Send mail.
    Mail {
        mail: NewMail,
        reply: oneshot::Sender<MailOutcome>,
    },
    /// Park a run that cannot be loaded.
    Park { commit: Commit },
    /// Finish what was asked before, give everything back and end.
    Shutdown { reply: oneshot::Sender<()> },
}

/// The answer to a start.
#[derive(Debug)]
pub(crate) struct StartReply {
    pub(crate) outcome: StartOutcome,
}

pub(super) struct Dispatcher {
    shared: Arc<Shared>,
    requests: mpsc::UnboundedReceiver<Request>,
    /// When a run that nobody owns is due next, as far as is known.
    next_claim: Timestamp,
    next_heartbeat: Timestamp,
}

/// Who asked for the parts of a batch, in the order of the batch.
#[derive(Default)]
struct Askers {
    starts: Vec<oneshot::Sender<StartReply>>,
    mail: Vec<oneshot::Sender<MailOutcome>>,
    commits: Vec<Option<Arc<Slot>>>,
}

impl Dispatcher {
    pub(super) fn new(shared: Arc<Shared>, requests: mpsc::UnboundedReceiver<Request>) -> Self {
        let now = shared.clock.now();
        let next_heartbeat = now.after(shared.tuning.lease / 3);
        Self {
            shared,
            requests,
            next_claim: now,
            next_heartbeat,
        }
    }

    /// Works until it is shut down or every handle of the engine is gone.
    pub(super) async fn run(mut self) {
        let mut requests = Vec::new();
        loop {
            let wake_at = self.next_wake();
            tokio::select! {
                biased;
                count = self.requests.recv_many(&mut requests, BATCH_MAX) => {
                    if count == 0 {
                        return self.drop_all();
                    }
                    let shutdown = self.write(&mut requests).await;
                    if let Some(reply) = shutdown {
                        return self.shut_down(reply).await;
                    }
                }
                () = self.shared.claimable.notified() => self.next_claim = Timestamp::MIN,
                () = self.shared.timers.earlier.notified() => {}
                () = self.shared.clock.sleep_until(wake_at) => {}
            }
            let now = self.shared.clock.now();
            self.shared.timers.fire(now);
            if now >= self.next_heartbeat {
                self.heartbeat(now).await;
            }
            if now >= self.next_claim {
                self.claim(now).await;
            }
        }
    }

    fn next_wake(&self) -> Timestamp {
        let timer = self.shared.timers.next();
        [Some(self.next_heartbeat), Some(self.next_claim), timer]
            .into_iter()
            .flatten()
            .min()
            .unwrap_or(self.next_heartbeat)
    }

    /// Writes everything that has gathered, in one transaction. Gives back the asker of a shutdown.
    async fn write(&mut self, requests: &mut Vec<Request>) -> Option<oneshot::Sender<()>> {
        let mut batch = Batch::default();
        let mut askers = Askers::default();
        let mut shutdown = None;
        for request in requests.drain(..) {
            match request {
                Request::Start { run, reply } => {
                    batch.starts.push(run);
                    askers.starts.push(reply);
                }
                Request::Mail { mail, reply } => {
                    batch.mail.push(mail);
                    askers.mail.push(reply);
                }
                Request::Commit { commit, slot } => {
                    batch.commits.push(commit);
                    askers.commits.push(Some(slot));
                }
                Request::Park { commit } => {
                    batch.commits.push(commit);
                    askers.commits.push(None);
                }
                Request::Shutdown { reply } => shutdown = Some(reply),
            }
        }
        if !batch.is_empty() {
            if let Some(outcome) = self.commit(&batch).await {
                self.spread(batch, askers, outcome);
            }
        }
        shutdown
    }

    /// Commits a batch, for as long as it takes. An infrastructure fault is never anybody's failure.
    async fn commit(&self, batch: &Batch) -> Option<BatchOutcome> {
        let mut delay = Duration::from_millis(10);
        loop {
            match self.shared.store.commit(batch).await {
                Ok(outcome) => {
                    self.shared
                        .trouble
                        .send_if_modified(|trouble| trouble.take().is_some());
                    self.shared.batches.send_modify(|batches| *batches += 1);
                    return Some(outcome);
                }
                Err(error) => self.note_trouble(&error),
            }
            if self.shared.is_stopping() && delay > Duration::from_secs(1) {
                return None;
            }
            tokio::time::sleep(delay).await;
            delay = (delay * 2).min(Duration::from_secs(2));
        }
    }

    fn note_trouble(&self, error: &StoreError) {
        tracing::warn!(%error, "the store failed; trying again");
        self.shared.trouble.send_replace(Some(error.to_string()));
    }

    /// Tells everybody what became of what they asked.
    fn spread(&mut self, batch: Batch, askers: Askers, outcome: BatchOutcome) {
        let starts = batch
            .starts
            .into_iter()
            .zip(askers.starts)
            .zip(outcome.starts);
        for ((run, reply), outcome) in starts {
            if let StartOutcome::Created { run: key } = outcome {
                self.take_started(key, run);
            }
            let _ = reply.send(StartReply { outcome });
        }
        let mail = batch.mail.into_iter().zip(askers.mail).zip(outcome.mail);
        for ((mail, reply), outcome) in mail {
            if let MailOutcome::Delivered(delivery) = outcome {
                self.route(delivery, mail.kind);
            }
            let _ = reply.send(outcome);
        }
        let commits = batch
            .commits
            .into_iter()
            .zip(askers.commits)
            .zip(outcome.commits);
        for ((commit, slot), outcome) in commits {
            self.acknowledge(commit, slot, outcome);
        }
    }

    fn acknowledge(&mut self, commit: Commit, slot: Option<Arc<Slot>>, outcome: CommitOutcome) {
        let CommitOutcome::Committed { children, outgoing } = outcome else {
            tracing::info!(
                run = commit.run.get(),
                "ownership lost; the run goes on elsewhere"
            );
            if let Some(slot) = slot {
                self.shared.residents.remove(&slot);
                slot.push(Input::Drop);
            }
            return;
        };
        let released = match &commit.update {
            Some(RunUpdate {
                ownership: Ownership::Release { due, .. },
                ..
            }) => {
                self.note_release(*due);
                true
            }
            _ => false,
        };
        if let Some(slot) = slot {
            if released {
                self.shared.residents.remove(&slot);
            }
            slot.push(Input::Committed {
                events: commit.events.len(),
            });
        }
        if released {
            self.shared.claimable.notify_one();
            if let Some(ending) = ending_of(&commit) {
                self.shared.residents.tell(commit.run, &ending);
            }
        }
        for (child, outcome) in commit.children.into_iter().zip(children) {
            if let StartOutcome::Created { run } = outcome {
                self.take_started(run, child);
            }
        }
        for (mail, delivery) in commit.outgoing.into_iter().zip(outgoing) {
            if let Some(delivery) = delivery {
                self.route(delivery, mail.kind);
            }
        }
    }

    fn note_release(&mut self, due: Option<Timestamp>) {
        if let Some(due) = due {
            self.next_claim = self.next_claim.min(due);
        }
    }

    /// Hands mail to the run's task, or has the run claimed.
    fn route(&mut self, delivery: Delivery, kind: MailKind) {
        if !delivery.owned {
            self.next_claim = Timestamp::MIN;
        } else if let Some(slot) = self.shared.residents.find(delivery.run) {
            slot.push(Input::Mail(Mail {
                id: delivery.mail,
                kind,
            }));
        }
    }

    /// Begins to drive a run that was started for this worker.
    fn take_started(&mut self, key: RunKey, run: NewRun) {
        let Some(worker) = run.owner else {
            self.next_claim = Timestamp::MIN;
            return;
        };
        if worker != self.shared.worker() {
            return;
        }
        let epoch = Epoch::new(1);
        let Some(definition) = self.shared.registry.find(&run.workflow) else {
            let reason = self.shared.registry.unknown(&run.workflow);
            return self.park(key, epoch, 0, reason);
        };
        let identity = Identity {
            run: key,
            id: run.id,
            epoch,
            worker,
            seed: run.seed,
            parent: run.parent,
            definition,
        };
        let machine = Machine::start(identity, self.shared.machine_limits(), run.at);
        self.spawn(key, machine, run.input);
    }

    fn spawn(&self, key: RunKey, machine: Machine, input: crate::journal::Payload) {
        let slot = Slot::new(key);
        self.shared.residents.insert(&slot);
        if self.shared.is_stopping() {
            slot.push(Input::Hold);
        }
        let task = WorkflowTask::new(&self.shared, slot, machine, input);
        self.shared.runtime.spawn(task);
    }

    async fn claim(&mut self, now: Timestamp) {
        let room = self
            .shared
            .limits
            .resident_runs_max
            .saturating_sub(self.shared.residents.len());
        let poll_at = now.after(self.shared.tuning.poll);
        self.next_claim = poll_at;
        if room == 0 || self.shared.is_stopping() {
            return;
        }
        let claim = Claim {
            worker: self.shared.worker(),
            now,
            limit: room.min(CLAIM_MAX),
        };
        match self.shared.store.claim(claim).await {
            Ok(claimed) => {
                if let Some(due) = claimed.next_due {
                    self.next_claim = due.min(poll_at);
                }
                for run in claimed.runs {
                    self.take_claimed(run);
                }
            }
            Err(error) => self.note_trouble(&error),
        }
    }

    /// Begins to drive a run that was claimed, or parks it when this build cannot.
    fn take_claimed(&self, mut run: LoadedRun) {
        let (key, epoch) = (run.run, run.epoch);
        let position = u32::try_from(run.events.len()).unwrap_or(u32::MAX);
        let Some(definition) = self.shared.registry.find(&run.workflow) else {
            let reason = self.shared.registry.unknown(&run.workflow);
            return self.park(key, epoch, position, reason);
        };
        let input = run.input.clone();
        let identity = self.identify(&mut run, definition);
        match Machine::load(identity, self.shared.machine_limits(), run) {
            Ok(machine) => self.spawn(key, machine, input),
            Err(reason) => self.park(key, epoch, position, reason.to_string()),
        }
    }

    fn identify(&self, run: &mut LoadedRun, definition: &'static Definition) -> Identity {
        Identity {
            run: run.run,
            id: run.id.clone(),
            epoch: run.epoch,
            worker: self.shared.worker(),
            seed: run.seed,
            parent: run.parent.take(),
            definition,
        }
    }

    fn park(&self, run: RunKey, epoch: Epoch, position: u32, reason: String) {
        tracing::error!(run = run.get(), %reason, "run parked");
        let ownership = Ownership::Release {
            due: None,
            seen: crate::journal::MailId::new(i64::MAX),
        };
        let commit = Commit {
            run,
            epoch,
            position,
            events: Vec::new(),
            update: Some(RunUpdate {
                status: Status::Parked,
                ownership,
                reason: Some(reason),
            }),
            children: Vec::new(),
            consumed: Vec::new(),
            outgoing: Vec::new(),
            at: self.shared.clock.now(),
        };
        self.shared.request(Request::Park { commit });
    }

    /// Renews the lease and frees the runs of workers whose lease has ended.
    async fn heartbeat(&mut self, now: Timestamp) {
        self.next_heartbeat = now.after(self.shared.tuning.lease / 3);
        let until = now.after(self.shared.tuning.lease);
        let alive = self
            .shared
            .store
            .renew_lease(self.shared.worker(), until)
            .await;
        let result = match alive {
            Ok(true) => self.shared.store.reap(now).await.map(|freed| {
                if freed > 0 {
                    self.next_claim = Timestamp::MIN;
                }
            }),
            Ok(false) => self.start_over(until).await,
            Err(error) => Err(error),
        };
        if let Err(error) = result {
            self.note_trouble(&error);
        }
    }

    /// The lease was lost: what is in memory belongs to others now.
    async fn start_over(&mut self, lease_until: Timestamp) -> Result<(), StoreError> {
        tracing::warn!("the lease was lost; dropping all runs and registering anew");
        self.drop_all();
        let worker = self.shared.store.register_worker(lease_until).await?;
        self.shared.set_worker(worker);
        self.next_claim = Timestamp::MIN;
        Ok(())
    }

    fn drop_all(&self) {
        for slot in self.shared.residents.all() {
            self.shared.residents.remove(&slot);
            slot.push(Input::Drop);
        }
    }

    /// Lets step bodies and commits in flight finish within the grace, then gives everything back.
    async fn shut_down(mut self, reply: oneshot::Sender<()>) {
        self.shared.stop();
        self.shared
            .residents
            .all()
            .iter()
            .for_each(|slot| slot.push(Input::Hold));
        let deadline = tokio::time::sleep(self.shared.tuning.shutdown_grace);
        tokio::pin!(deadline);
        let mut requests = Vec::new();
        while self
            .shared
            .residents
            .all()
            .iter()
            .any(|slot| slot.is_busy())
        {
            tokio::select! {
                _ = self.requests.recv_many(&mut requests, BATCH_MAX) => {
                    self.write(&mut requests).await;
                }
                () = tokio::time::sleep(Duration::from_millis(2)) => {}
                () = &mut deadline => break,
            }
        }
        self.drop_all();
        let result = async {
            self.shared
                .store
                .retire_worker(self.shared.worker())
                .await?;
            self.shared.store.close().await
        };
        if let Err(error) = result.await {
            // The lease runs out by itself.
            tracing::warn!(%error, "the worker could not sign off");
        }
        let _ = reply.send(());
    }
}

/// How a run ended with this commit, if it did.
fn ending_of(commit: &Commit) -> Option<Ending> {
    if let Some(RunUpdate {
        status: Status::Parked,
        reason,
        ..
    }) = &commit.update
    {
        return Some(Ending::Parked(reason.clone().unwrap_or_default()));
    }
    match &commit.events.last()?.kind {
        EventKind::Completed { output } => Some(Ending::Completed(output.clone())),
        EventKind::Failed { failure } => Some(Ending::Failed(failure.clone())),
        EventKind::Canceled => Some(Ending::Canceled),
        _ => None,
    }
}
