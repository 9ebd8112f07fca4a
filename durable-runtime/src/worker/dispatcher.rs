//! The one writer: gathers what all runs have to write, claims runs, fires timers, keeps the lease.
//!
//! It is one actor, so that what it learns from the store and what it does about it happen in one
//! order: mail for a run goes either to the run's task or to its row, never between the two.

use std::{sync::Arc, time::Duration};

use tokio::sync::{mpsc, oneshot};

use super::{
    Shared,
    ending::{self, ending_of},
    slot::{Input, Slot},
    workflow_task::WorkflowTask,
};
use crate::{
    clock::Rest,
    graph::Definition,
    journal::{Epoch, MailId, RunKey, Timestamp},
    replay::{Identity, Machine},
    status::Status,
    store::{
        Batch, BatchId, BatchOutcome, Claim, Commit, CommitOutcome, Delivery, Hint, LoadedRun,
        Mail, MailKind, MailOutcome, NewMail, NewRun, Ownership, RunUpdate, StartOutcome, Store,
        StoreError, StoreFuture,
    },
};

/// The most requests that go into one batch.
const BATCH_MAX: usize = 2_000;
/// How many runs that were just told of their commit are waited for. Fewer have answered by then, and
/// of more the first ones fill a batch of their own.
const CROWD: std::ops::RangeInclusive<usize> = 8..=256;
/// How often in a row the processor is offered to others, with nothing coming of it, before a batch
/// is taken for gathered. Some ten microseconds, where a commit takes hundreds.
const OFFERS_MAX: u32 = 40;
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
    /// When a run that nobody owns is due next, as far as is known; else the end of time.
    next_claim: Timestamp,
    /// When to look for runs that nobody told us of.
    next_poll: Timestamp,
    next_heartbeat: Timestamp,
    /// Before this time nobody is reaped.
    next_reap: Timestamp,
    /// Whether there may be parked runs that this worker has not tried.
    try_parked: bool,
    /// The run that was taken on trial last: when it gets further, another one may be taken.
    on_trial: Option<RunKey>,
    /// Whether runs wait in the database because there was no room in memory.
    short_of_room: bool,
    /// Whether a call failed that the next heartbeat makes again.
    heartbeat_is_needed: bool,
    /// The last mail that was written here, and the last one before which others may have written.
    last_mail: MailId,
    last_gap: MailId,
    /// How many batches were sent.
    batches: i64,
    /// How many runs that go on were told of their commit since the last batch was gathered.
    told: usize,
    /// Whether the last claim may have taken runs that nobody told us of.
    claim_is_unknown: bool,
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
            next_poll: now,
            next_heartbeat,
            next_reap: now,
            try_parked: true,
            on_trial: None,
            short_of_room: false,
            heartbeat_is_needed: false,
            last_mail: MailId::new(0),
            last_gap: MailId::new(0),
            batches: 0,
            told: 0,
            claim_is_unknown: false,
        }
    }

    /// Works until it is shut down or every handle of the engine is gone.
    pub(super) async fn run(mut self) {
        let mut requests = Vec::new();
        loop {
            let wake_at = self.next_wake();
            self.rest();
            tokio::select! {
                biased;
                hint = self.shared.store.hint() => self.heed(hint).await,
                count = self.requests.recv_many(&mut requests, BATCH_MAX) => {
                    if count == 0 {
                        return self.drop_all();
                    }
                    self.gather(&mut requests);
                    let shutdown = self.write(&mut requests).await;
                    if let Some(reply) = shutdown {
                        return self.shut_down(reply).await;
                    }
                }
                () = self.shared.timers.earlier.notified() => {}
                () = self.shared.pace.stirred.notified() => {}
                () = self.shared.clock.sleep_until(wake_at) => {}
            }
            self.shared.pace.stir();
            let now = self.shared.clock.now();
            if now >= self.next_heartbeat {
                self.heartbeat(now).await;
            }
            self.shared.timers.fire(now);
            if now >= self.next_claim.min(self.next_poll) {
                self.claim(now).await;
            }
            if std::mem::take(&mut self.try_parked) {
                self.claim_parked(now).await;
            }
        }
    }

    /// When there is something to do, if nothing is asked before.
    fn next_wake(&self) -> Timestamp {
        let routine = self.next_heartbeat.min(self.next_poll);
        self.next_due().map_or(routine, |due| due.min(routine))
    }

    /// When a run needs the worker next, as far as is known.
    fn next_due(&self) -> Option<Timestamp> {
        let claim = Some(self.next_claim).filter(|at| *at < Timestamp::MAX);
        let again = self.heartbeat_is_needed.then_some(self.next_heartbeat);
        [claim, again, self.shared.timers.next()]
            .into_iter()
            .flatten()
            .min()
    }

    /// Lets a clock that jumps know when nothing is left to do.
    fn rest(&self) {
        let Some(at_work) = self.rests_at_work() else {
            return;
        };
        // Only now: a run sets its timer before it rests.
        let wakes = self.next_wake();
        if wakes > self.shared.clock.now() {
            self.shared.pace.rest(Rest {
                due: self.next_due(),
                wakes,
                at_work,
                awaited: self.shared.residents.are_awaited(),
            });
        }
    }

    /// Whether user code is at work while the engine rests; `None` when it does not, or when nobody
    /// wants to know.
    fn rests_at_work(&self) -> Option<bool> {
        if !self.shared.pace.is_kept() {
            return None;
        }
        let at_work = self.shared.residents.rest_at_work()?;
        // Only now: a run sends what it has to write before it rests.
        self.requests.is_empty().then_some(at_work)
    }

    /// Lets the runs that were just told of their commit ask for their next: without it, the first few
    /// of a crowd would get a batch of their own, and all others wait for it.
    fn gather(&mut self, requests: &mut Vec<Request>) {
        let crowd = std::mem::take(&mut self.told);
        let mut offers = 0;
        while CROWD.contains(&crowd) && requests.len() < crowd && offers < OFFERS_MAX {
            match self.requests.try_recv() {
                Ok(request) => {
                    requests.push(request);
                    offers = 0;
                }
                Err(_) => {
                    std::thread::yield_now();
                    offers += 1;
                }
            }
        }
    }

    /// Writes everything that has gathered, in one transaction. Gives back the asker of a shutdown.
    async fn write(&mut self, requests: &mut Vec<Request>) -> Option<oneshot::Sender<()>> {
        self.batches += 1;
        let mut batch = Batch {
            id: Some(BatchId {
                worker: self.shared.worker(),
                number: self.batches,
            }),
            ..Batch::default()
        };
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
            let outcome = self.persist(|store| store.commit(&batch)).await;
            if let Some(outcome) = outcome {
                self.shared.batches.send_modify(|batches| *batches += 1);
                self.spread(batch, askers, outcome).await;
            }
        }
        shutdown
    }

    /// Makes a call until it succeeds, for as long as it takes: an infrastructure fault is never
    /// anybody's failure. `None` when the engine ends first.
    async fn persist<'s, T>(
        &'s self,
        call: impl Fn(&'s dyn Store) -> StoreFuture<'s, T>,
    ) -> Option<T> {
        let mut delay = Duration::from_millis(10);
        loop {
            match self.keeping_the_lease(call(&*self.shared.store)).await {
                Ok(answer) => {
                    self.note_success();
                    return Some(answer);
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

    /// Makes a call, and renews the lease as often as is due while it takes its time.
    async fn keeping_the_lease<T>(&self, mut call: StoreFuture<'_, T>) -> Result<T, StoreError> {
        let clock = &self.shared.clock;
        let mut renew_at = self.next_heartbeat.max(clock.now());
        loop {
            tokio::select! {
                biased;
                result = &mut call => return result,
                () = clock.sleep_until(renew_at) => {}
            }
            let now = clock.now();
            renew_at = now.after(self.shared.tuning.lease / 3);
            let until = now.after(self.shared.tuning.lease);
            // What to do about a lease that is lost is for the next heartbeat.
            let renewed = self.shared.store.renew_lease(self.shared.worker(), until);
            if matches!(renewed.await, Ok(true)) {
                self.shared.set_lease(until);
            }
        }
    }

    fn note_success(&self) {
        self.shared
            .trouble
            .send_if_modified(|trouble| trouble.take().is_some());
    }

    fn note_trouble(&self, error: &StoreError) {
        tracing::warn!(%error, "the store failed; trying again");
        self.shared.trouble.send_replace(Some(error.to_string()));
    }

    /// Tells everybody what became of what they asked.
    async fn spread(&mut self, batch: Batch, askers: Askers, outcome: BatchOutcome) {
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
                self.route(delivery, mail.kind).await;
            }
            let _ = reply.send(outcome);
        }
        let commits = batch
            .commits
            .into_iter()
            .zip(askers.commits)
            .zip(outcome.commits);
        for ((commit, slot), outcome) in commits {
            self.acknowledge(commit, slot, outcome).await;
        }
    }

    async fn acknowledge(
        &mut self,
        commit: Commit,
        slot: Option<Arc<Slot>>,
        outcome: CommitOutcome,
    ) {
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
        let trial_is_over = self.on_trial.take_if(|run| *run == commit.run);
        if trial_is_over.is_some() {
            self.next_claim = Timestamp::MIN;
        }
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
            } else {
                self.told += 1;
            }
            slot.push(Input::Committed {
                events: commit.events.len(),
            });
        }
        if released {
            self.note_room(&commit);
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
                self.route(delivery, mail.kind).await;
            }
        }
    }

    fn note_release(&mut self, due: Option<Timestamp>) {
        if let Some(due) = due {
            self.next_claim = self.next_claim.min(due);
        }
    }

    /// A run has left memory: others may take its place, and mail it has not seen makes it due.
    fn note_room(&mut self, commit: &Commit) {
        let ended = commit
            .update
            .as_ref()
            .is_some_and(|u| u.status.is_terminal());
        if !ended || std::mem::take(&mut self.short_of_room) {
            self.next_claim = Timestamp::MIN;
        }
    }

    /// Hands mail to the run's task, or has the run claimed. A signal is read back with what is before
    /// it in the mailbox when others may have written there: signals keep their order.
    async fn route(&mut self, delivery: Delivery, kind: MailKind) {
        self.note_mail(delivery.mail);
        if !delivery.owned {
            self.next_claim = Timestamp::MIN;
            return;
        }
        let Some(slot) = self.shared.residents.find(delivery.run) else {
            return;
        };
        match delivery.mail {
            Some(id)
                if slot.has_read(self.last_gap) || !matches!(kind, MailKind::Signal { .. }) =>
            {
                slot.push(Input::Mail(Mail { id, kind }));
            }
            _ => self.fetch_mail(&slot).await,
        }
    }

    /// Notices whether somebody else has written mail since the last that was written here.
    fn note_mail(&mut self, mail: Option<MailId>) {
        if let Some(mail) = mail {
            if mail.get() != self.last_mail.get() + 1 {
                self.last_gap = mail;
            }
            self.last_mail = mail;
        }
    }

    /// Looks at what another process says it has written. It is needed for speed alone: all of it is
    /// also found by looking from time to time.
    async fn heed(&mut self, hint: Hint) {
        if hint.due || hint.missed {
            self.next_claim = Timestamp::MIN;
        }
        for run in hint.mail {
            if let Some(slot) = self.shared.residents.find(run) {
                self.fetch_mail(&slot).await;
            }
        }
        if hint.missed {
            self.fetch_unread().await;
        }
        for run in hint.ended {
            if self.shared.residents.is_awaited(run) {
                ending::tell_recorded(Arc::clone(&self.shared), run);
            }
        }
    }

    /// Hands tasks the mail that other processes have sent to their runs.
    async fn fetch_unread(&self) {
        let unread = self.shared.store.unread(self.shared.worker()).await;
        match unread {
            Ok(runs) => {
                for run in runs {
                    if let Some(slot) = self.shared.residents.find(run) {
                        self.fetch_mail(&slot).await;
                    }
                }
            }
            Err(error) => self.note_trouble(&error),
        }
    }

    /// Hands the run's task whatever is in its mailbox; it knows what it has seen.
    async fn fetch_mail(&self, slot: &Arc<Slot>) {
        let mail = self.persist(|store| store.mailbox(slot.run)).await;
        let Some(mail) = mail else {
            return;
        };
        slot.note_read(self.last_mail);
        for mail in mail {
            slot.push(Input::Mail(mail));
        }
    }

    /// Begins to drive a run that was started for this worker.
    fn take_started(&mut self, key: RunKey, run: NewRun) {
        let Some(worker) = run.owner else {
            self.next_claim = Timestamp::MIN;
            return;
        };
        // A start whose reply was lost may have been taken already.
        if worker != self.shared.worker() || self.shared.residents.holds(key) {
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
        self.spawn(key, machine, run.input, false);
    }

    fn spawn(&self, key: RunKey, machine: Machine, input: crate::journal::Payload, on_trial: bool) {
        let slot = Slot::new(key, self.last_mail);
        self.shared.residents.insert(&slot);
        let task = WorkflowTask::new(&self.shared, slot, machine, input, on_trial);
        self.shared.runtime.spawn(task);
    }

    async fn claim(&mut self, now: Timestamp) {
        self.next_poll = now.after(self.shared.poll());
        self.next_claim = Timestamp::MAX;
        let Some(claim) = self.next_claim_of(now).await else {
            return;
        };
        match self.shared.store.claim(claim).await {
            Ok(claimed) => {
                self.note_success();
                self.short_of_room = claimed.runs.len() == claim.limit;
                self.next_claim = claimed.next_due.unwrap_or(Timestamp::MAX);
                for run in claimed.runs {
                    self.take_claimed(run);
                }
            }
            Err(error) => self.note_lost_claim(&error),
        }
    }

    /// Tries parked runs: this build may fit them, or mend what stopped them.
    async fn claim_parked(&mut self, now: Timestamp) {
        let Some(claim) = self.next_claim_of(now).await else {
            return;
        };
        match self.shared.store.claim_parked(claim).await {
            Ok(runs) => {
                self.note_success();
                self.try_parked = runs.len() == claim.limit;
                for run in runs {
                    self.take_claimed(run);
                }
                if !self.try_parked {
                    let tried = &self.shared.parked_were_tried;
                    tried.send_if_modified(|tried| !std::mem::replace(tried, true));
                }
            }
            Err(error) => {
                self.heartbeat_is_needed = true;
                self.note_lost_claim(&error);
            }
        }
    }

    /// What to ask for; `None` when there is no room, or before it is known what a claim took.
    async fn next_claim_of(&mut self, now: Timestamp) -> Option<Claim> {
        let residents = self.shared.residents.len();
        let room = self
            .shared
            .limits
            .resident_runs_max
            .saturating_sub(residents);
        self.short_of_room = room == 0;
        let ready = room > 0
            && !self.shared.is_stopping()
            && (!self.claim_is_unknown || self.release_strays().await);
        ready.then(|| Claim {
            worker: self.shared.worker(),
            now,
            limit: room.min(CLAIM_MAX),
        })
    }

    fn note_lost_claim(&mut self, error: &StoreError) {
        self.claim_is_unknown = true;
        self.next_claim = self.next_claim.min(self.next_poll);
        self.note_trouble(error);
    }

    /// Gives back what a claim took whose reply was lost.
    async fn release_strays(&mut self) -> bool {
        let residents = self.shared.residents.keys();
        let released = self
            .shared
            .store
            .release_strays(self.shared.worker(), &residents)
            .await;
        match released {
            Ok(_) => self.claim_is_unknown = false,
            Err(error) => {
                self.next_claim = self.next_claim.min(self.next_poll);
                self.note_trouble(&error);
            }
        }
        !self.claim_is_unknown
    }

    /// Begins to drive a run that was claimed, or parks it when this build cannot.
    fn take_claimed(&mut self, mut run: LoadedRun) {
        let (key, epoch) = (run.run, run.epoch);
        let on_trial = run.is_on_trial();
        if on_trial {
            self.on_trial = Some(key);
        }
        let position = u32::try_from(run.events.len()).unwrap_or(u32::MAX);
        let Some(definition) = self.shared.registry.find(&run.workflow) else {
            let reason = self.shared.registry.unknown(&run.workflow);
            return self.park(key, epoch, position, reason);
        };
        if let Some(reason) = self.shared.limits.too_many_deaths(&run) {
            return self.park(key, epoch, position, reason);
        }
        let input = run.input.clone();
        let identity = self.identify(&mut run, definition);
        match Machine::load(identity, self.shared.machine_limits(), run) {
            Ok(machine) => self.spawn(key, machine, input, on_trial),
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
            seen: MailId::new(i64::MAX),
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
        self.try_parked = true;
        self.heartbeat_is_needed = false;
        self.next_heartbeat = now.after(self.shared.tuning.lease / 3);
        match self.renew(now).await {
            Ok(()) => {
                self.note_success();
                self.fetch_unread().await;
            }
            Err(error) => {
                self.heartbeat_is_needed = true;
                // Others could not renew either: nobody is reaped before they had the time to.
                self.next_reap = now.after(self.shared.tuning.lease);
                self.note_trouble(&error);
            }
        }
    }

    async fn renew(&mut self, now: Timestamp) -> Result<(), StoreError> {
        let until = now.after(self.shared.tuning.lease);
        let had_ended = self.shared.lease_has_ended(now);
        let worker = self.shared.worker();
        if !self.shared.store.renew_lease(worker, until).await? {
            return self.start_over(until).await;
        }
        self.shared.set_lease(until);
        if had_ended {
            self.next_reap = until;
            self.tell_all();
        }
        if now >= self.next_reap && self.shared.store.reap(now).await? > 0 {
            self.next_claim = Timestamp::MIN;
        }
        Ok(())
    }

    /// Has every run look at what the worker may do.
    fn tell_all(&self) {
        for slot in self.shared.residents.all() {
            slot.push(Input::Look);
        }
    }

    /// The lease was lost: what is in memory belongs to others now.
    async fn start_over(&mut self, lease_until: Timestamp) -> Result<(), StoreError> {
        tracing::warn!("the lease was lost; dropping all runs and registering anew");
        self.drop_all();
        let worker = self.shared.store.register_worker(lease_until).await?;
        self.shared.set_worker(worker);
        self.shared.set_lease(lease_until);
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
        self.tell_all();
        let deadline = self
            .shared
            .clock
            .now()
            .after(self.shared.tuning.shutdown_grace);
        self.wind_down(deadline).await;
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
        self.shared.residents.tell_shut_down();
        let _ = reply.send(());
    }

    /// Writes what comes until no run is busy. The lease is kept: a slow step must not be taken over.
    async fn wind_down(&mut self, deadline: Timestamp) {
        let shared = Arc::clone(&self.shared);
        let mut requests = Vec::new();
        while shared.residents.any_busy() {
            shared.pace.stir();
            let now = shared.clock.now();
            if now >= deadline {
                return;
            }
            if now >= self.next_heartbeat {
                self.heartbeat(now).await;
            }
            let wakes = deadline.min(self.next_heartbeat);
            if let Some(at_work) = self.rests_at_work() {
                shared.pace.rest(Rest {
                    due: Some(deadline),
                    wakes,
                    at_work,
                    awaited: true,
                });
            }
            tokio::select! {
                biased;
                _ = self.requests.recv_many(&mut requests, BATCH_MAX) => {
                    self.write(&mut requests).await;
                }
                () = shared.pace.stirred.notified() => {}
                () = shared.clock.sleep_until(wakes) => {}
            }
        }
    }
}

impl Drop for Dispatcher {
    fn drop(&mut self) {
        self.shared.pace.leave();
    }
}
