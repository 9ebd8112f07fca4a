//! The words that cases are written in.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use super::{Damage, Database, run::CaseResult};
use crate::{
    failure::{BoxError, Failure, FailureKind},
    journal::{
        Epoch, Event, EventKind, MailId, Payload, RunId, RunKey, StepId, Timestamp, WorkerId,
    },
    status::Status,
    store::{
        Batch, BatchId, BatchOutcome, Claim, Claimed, Commit, CommitOutcome, Delivery, LoadedRun,
        MailKind, MailOutcome, MailTarget, NewMail, NewRun, NewWorker, Ownership, Parent,
        RunRecord, RunUpdate, StartOutcome, Store,
    },
};

/// What a helper gives back.
pub(super) type Fallible<T> = Result<T, BoxError>;

/// The time a case begins at.
const START: i64 = 1_700_000_000_000_000;

/// This many seconds after the case began.
pub(super) fn at(seconds: u64) -> Timestamp {
    Timestamp::from_micros(START).after(Duration::from_secs(seconds))
}

/// A database, opened, with one worker whose lease ends at `at(60)`.
pub(super) struct Fixture {
    database: Arc<dyn Database>,
    store: Arc<dyn Store>,
    pub(super) worker: WorkerId,
    /// The number of the next batch that says none: out of the way of those that do.
    batches: AtomicI64,
}

impl Fixture {
    pub(super) async fn open(database: Arc<dyn Database>) -> Fallible<Self> {
        let store = database.open().await?;
        let worker = store.register_worker(NewWorker::until(at(60))).await?;
        Ok(Self {
            database,
            store,
            worker,
            batches: AtomicI64::new(1_000_000),
        })
    }

    pub(super) fn store(&self) -> Arc<dyn Store> {
        Arc::clone(&self.store)
    }

    /// The database opened once more, as another process would.
    pub(super) async fn second(&self) -> Fallible<Arc<dyn Store>> {
        self.database.open().await
    }

    /// Closes the store and opens it again, as the next process would. The worker is a new one.
    pub(super) async fn reopen(&mut self) -> Fallible<()> {
        self.store.close().await?;
        self.store = self.database.open().await?;
        self.worker = self.store.register_worker(NewWorker::until(at(60))).await?;
        Ok(())
    }

    /// Whether the damage was done.
    pub(super) async fn damage(&self, damage: Damage) -> Fallible<bool> {
        self.database.damage(damage).await
    }

    /// Writes a batch, from the fixture's worker if the batch does not say from whom.
    pub(super) async fn write(&self, batch: Batch) -> Fallible<BatchOutcome> {
        self.write_by(self.worker, batch).await
    }

    async fn write_by(&self, worker: WorkerId, mut batch: Batch) -> Fallible<BatchOutcome> {
        batch.id.get_or_insert_with(|| BatchId {
            worker,
            number: self.batches.fetch_add(1, Ordering::Relaxed),
        });
        Ok(self.store.commit(&batch).await?)
    }

    /// Starts one run. Fails when it exists.
    pub(super) async fn start_run(&self, new: NewRun) -> Fallible<RunKey> {
        match self.try_start(new).await? {
            StartOutcome::Created { run } => Ok(run),
            exists => Err(format!("the run exists: {exists:?}").into()),
        }
    }

    pub(super) async fn try_start(&self, new: NewRun) -> Fallible<StartOutcome> {
        let outcome = self.write(starts([new])).await?;
        one(outcome.starts, "outcome of a start")
    }

    /// Starts a run that no worker owns.
    pub(super) async fn start(&self, id: &str) -> Fallible<RunKey> {
        self.start_run(new_run(id)).await
    }

    /// Starts a run that the fixture's worker owns, at epoch 1.
    pub(super) async fn start_owned(&self, id: &str) -> Fallible<RunKey> {
        self.start_run(owned(id, self.worker)).await
    }

    /// Sends one piece of mail.
    pub(super) async fn send(&self, mail: NewMail) -> Fallible<MailOutcome> {
        let outcome = self.write(mails([mail])).await?;
        one(outcome.mail, "outcome of mail")
    }

    /// Sends mail that must arrive.
    pub(super) async fn deliver(&self, mail: NewMail) -> Fallible<Delivery> {
        match self.send(mail).await? {
            MailOutcome::Delivered(delivery) => Ok(delivery),
            other => Err(format!("mail did not arrive: {other:?}").into()),
        }
    }

    /// Delivers mail, and gives its number.
    pub(super) async fn post(&self, mail: NewMail) -> Fallible<MailId> {
        let delivery = self.deliver(mail).await?;
        delivery.mail.ok_or_else(|| "mail has no number".into())
    }

    /// What is in a run's mailbox.
    pub(super) async fn mailbox(&self, run: RunKey) -> Fallible<Vec<MailKind>> {
        let mail = self.store.mailbox(run).await?;
        Ok(mail.into_iter().map(|mail| mail.kind).collect())
    }

    /// Writes one commit.
    pub(super) async fn commit(&self, commit: Commit) -> Fallible<CommitOutcome> {
        let outcome = self.write(commits([commit])).await?;
        one(outcome.commits, "outcome of a commit")
    }

    /// Writes one commit that must succeed.
    pub(super) async fn committed(&self, commit: Commit) -> Fallible<Committed> {
        match self.commit(commit).await? {
            CommitOutcome::Committed { children, outgoing } => Ok(Committed { children, outgoing }),
            CommitOutcome::LostOwnership => Err("the commit was refused".into()),
        }
    }

    /// Writes one commit of another worker than the fixture's.
    pub(super) async fn commit_by(
        &self,
        worker: WorkerId,
        commit: Commit,
    ) -> Fallible<CommitOutcome> {
        let outcome = self.write_by(worker, commits([commit])).await?;
        one(outcome.commits, "outcome of a commit")
    }

    /// Writes one commit of another worker, which must succeed.
    pub(super) async fn committed_by(&self, worker: WorkerId, commit: Commit) -> CaseResult {
        match self.commit_by(worker, commit).await? {
            CommitOutcome::Committed { .. } => Ok(()),
            CommitOutcome::LostOwnership => Err("the commit was refused".into()),
        }
    }

    pub(super) async fn claimed(&self, now: Timestamp, limit: usize) -> Fallible<Claimed> {
        let claim = Claim::new(self.worker, now, limit);
        Ok(self.store.claim(claim).await?)
    }

    /// Claims whatever is due.
    pub(super) async fn claim(&self, now: Timestamp) -> Fallible<Vec<LoadedRun>> {
        Ok(self.claimed(now, 1_000).await?.runs)
    }

    /// Claims parked runs for a worker that has just started.
    pub(super) async fn revive(&self, now: Timestamp) -> Fallible<Vec<LoadedRun>> {
        let worker = self
            .store
            .register_worker(NewWorker::until(at(10_000)))
            .await?;
        let limit = 1_000;
        let claim = Claim::new(worker, now, limit);
        Ok(self.store.claim_parked(claim).await?)
    }

    /// Claims exactly one run.
    pub(super) async fn claim_one(&self, now: Timestamp) -> Fallible<LoadedRun> {
        one(self.claim(now).await?, "run due")
    }

    /// Starts a run, claims it and releases it as suspended, at epoch 1, due then.
    pub(super) async fn waiting(&self, id: &str, due: Option<Timestamp>) -> Fallible<RunKey> {
        let run = self.start_owned(id).await?;
        let commit = commit(run, 1, 0).release(Status::Suspended, due, 0);
        self.committed(commit.events([completed("before", 0)]))
            .await?;
        Ok(run)
    }

    pub(super) async fn record(&self, run: RunKey) -> Fallible<RunRecord> {
        let record = self.store.read(run).await?;
        record.ok_or_else(|| format!("run {run:?} is not there").into())
    }

    pub(super) async fn status(&self, run: RunKey) -> Fallible<Status> {
        Ok(self.record(run).await?.status)
    }

    pub(super) async fn history(&self, run: RunKey) -> Fallible<Vec<Event>> {
        Ok(self.store.history(run).await?)
    }
}

/// What a commit that was written gives back.
#[derive(Debug)]
pub(super) struct Committed {
    pub(super) children: Vec<StartOutcome>,
    pub(super) outgoing: Vec<Option<Delivery>>,
}

/// The only one of a list.
pub(super) fn one<T: std::fmt::Debug>(list: Vec<T>, what: &str) -> Fallible<T> {
    match <[T; 1]>::try_from(list) {
        Ok([only]) => Ok(only),
        Err(list) => Err(format!("not exactly one {what}: {list:?}").into()),
    }
}

pub(super) fn starts(runs: impl IntoIterator<Item = NewRun>) -> Batch {
    Batch {
        starts: runs.into_iter().collect(),
        ..Batch::default()
    }
}

pub(super) fn mails(mail: impl IntoIterator<Item = NewMail>) -> Batch {
    Batch {
        mail: mail.into_iter().collect(),
        ..Batch::default()
    }
}

pub(super) fn commits(commits: impl IntoIterator<Item = Commit>) -> Batch {
    Batch {
        commits: commits.into_iter().collect(),
        ..Batch::default()
    }
}

pub(super) fn id(id: &str) -> RunId {
    RunId::from_recorded(id)
}

pub(super) fn number(n: u32) -> Payload {
    Payload::from_bytes(n.to_string().into_bytes())
}

/// A run that no worker owns.
pub(super) fn new_run(run: &str) -> NewRun {
    NewRun {
        id: id(run),
        workflow: "flow".to_owned(),
        input: number(0),
        seed: 7,
        at: at(0),
        parent: None,
        owner: None,
    }
}

/// A run that a worker owns.
pub(super) fn owned(run: &str, worker: WorkerId) -> NewRun {
    NewRun {
        owner: Some(worker),
        ..new_run(run)
    }
}

/// A child that no worker owns.
pub(super) fn child_of(parent: RunKey, run: &str, step: &'static str) -> NewRun {
    NewRun {
        parent: Some(Parent {
            run: parent,
            step: StepId::new("", step, 0),
        }),
        ..new_run(run)
    }
}

pub(super) fn mail(to: RunKey, kind: MailKind) -> NewMail {
    NewMail {
        to: MailTarget::Key(to),
        kind,
        at: at(1),
    }
}

pub(super) fn signal_kind(name: &str, value: u32) -> MailKind {
    MailKind::Signal {
        name: name.to_owned(),
        payload: number(value),
    }
}

pub(super) fn signal(to: RunKey, name: &str, value: u32) -> NewMail {
    mail(to, signal_kind(name, value))
}

pub(super) fn cancel(to: RunKey) -> NewMail {
    mail(to, MailKind::Cancel)
}

pub(super) fn child_ended(to: RunKey, step: &'static str, outcome: Result<u32, &str>) -> NewMail {
    let kind = MailKind::Child {
        step: StepId::new("", step, 0),
        outcome: outcome.map(number).map_err(failure),
    };
    mail(to, kind)
}

pub(super) fn failure(message: &str) -> Failure {
    Failure::new(FailureKind::Application, message)
}

pub(super) fn event(step: &'static str, kind: EventKind) -> Event {
    Event {
        at: at(1),
        step: Some(StepId::new("", step, 0)),
        kind,
    }
}

pub(super) fn completed(step: &'static str, value: u32) -> Event {
    event(
        step,
        EventKind::StepCompleted {
            output: number(value),
        },
    )
}

/// The event that ends a run with this status.
pub(super) fn ended(status: Status) -> Event {
    let kind = match status {
        Status::Failed => EventKind::Failed {
            failure: failure("ended"),
        },
        Status::Canceled => EventKind::Canceled,
        _ => EventKind::Completed { output: number(9) },
    };
    Event {
        at: at(1),
        step: None,
        kind,
    }
}

/// An empty commit of a run that was started as all are here, at an epoch and a position.
pub(super) fn commit(run: RunKey, epoch: i64, position: u32) -> Commit {
    Commit {
        run,
        created_at: at(0),
        epoch: Epoch::new(epoch),
        position,
        events: Vec::new(),
        update: None,
        children: Vec::new(),
        consumed: Vec::new(),
        outgoing: Vec::new(),
        at: at(2),
    }
}

/// Says what is in a commit.
pub(super) trait CommitExt: Sized {
    fn events(self, events: impl IntoIterator<Item = Event>) -> Self;
    fn update(self, status: Status, ownership: Ownership) -> Self;
    fn reason(self, reason: &str) -> Self;
    fn children(self, children: impl IntoIterator<Item = NewRun>) -> Self;
    fn consumes(self, mail: impl IntoIterator<Item = MailId>) -> Self;
    fn sends(self, mail: impl IntoIterator<Item = NewMail>) -> Self;

    fn keep(self, status: Status) -> Self {
        self.update(status, Ownership::Keep)
    }

    fn release(self, status: Status, due: Option<Timestamp>, seen: i64) -> Self {
        let seen = MailId::new(seen);
        self.update(status, Ownership::Release { due, seen })
    }

    /// Ends the run, with the event that says so.
    fn ends(self, status: Status) -> Self {
        self.events([ended(status)]).release(status, None, 0)
    }
}

impl CommitExt for Commit {
    fn events(mut self, events: impl IntoIterator<Item = Event>) -> Self {
        self.events.extend(events);
        self
    }

    fn update(mut self, status: Status, ownership: Ownership) -> Self {
        self.update = Some(RunUpdate {
            status,
            ownership,
            reason: None,
        });
        self
    }

    fn reason(mut self, reason: &str) -> Self {
        if let Some(update) = &mut self.update {
            update.reason = Some(reason.to_owned());
        }
        self
    }

    fn children(mut self, children: impl IntoIterator<Item = NewRun>) -> Self {
        self.children.extend(children);
        self
    }

    fn consumes(mut self, mail: impl IntoIterator<Item = MailId>) -> Self {
        self.consumed.extend(mail);
        self
    }

    fn sends(mut self, mail: impl IntoIterator<Item = NewMail>) -> Self {
        self.outgoing.extend(mail);
        self
    }
}
