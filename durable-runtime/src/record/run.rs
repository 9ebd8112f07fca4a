//! What is read: runs as rows, runs loaded to go on, and pages of a listing.

use crate::{
    failure::Failure,
    journal::{Epoch, Event, MailId, Payload, RunId, RunKey, StepId, Timestamp, WorkerId},
    status::Status,
};

/// After so many deaths of its workers a run is a suspect: it may be what kills them. A worker takes
/// suspects one at a time, on trial, and when it dies only the one on trial is blamed; so a run that
/// merely was in the same memory does not go down with the culprit.
pub(crate) const SUSPECT_DEATHS: u32 = 3;

/// Who waits for a child run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parent {
    /// The parent's number.
    pub run: RunKey,
    /// The operation that waits.
    pub step: StepId,
}

/// A piece of mail in a run's mailbox.
#[derive(Debug, Clone, PartialEq)]
pub struct Mail {
    /// Its number.
    pub id: MailId,
    /// What it is.
    pub kind: MailKind,
}

/// What comes to a run from outside.
#[derive(Debug, Clone, PartialEq)]
pub enum MailKind {
    /// A signal.
    Signal {
        /// Its name.
        name: String,
        /// What the sender sent.
        payload: Payload,
    },
    /// A child has ended.
    Child {
        /// The operation that started it.
        step: StepId,
        /// How it ended.
        outcome: ChildOutcome,
    },
    /// Somebody wants the run canceled.
    Cancel,
    /// Somebody wants the run canceled, and its rollback to undo nothing more.
    AbandonRollback,
}

impl MailKind {
    /// Whether it asks for the run to be canceled, which takes no code that fits its journal.
    pub(crate) fn cancels(&self) -> bool {
        matches!(self, Self::Cancel | Self::AbandonRollback)
    }
}

/// How a child ended: its result, or why there is none.
pub type ChildOutcome = Result<Payload, Failure>;

/// A run as its row says.
#[derive(Debug, Clone, PartialEq)]
pub struct RunRecord {
    /// Its number.
    pub run: RunKey,
    /// Its id.
    pub id: RunId,
    /// Its workflow's name.
    pub workflow: String,
    /// Where it stands.
    pub status: Status,
    /// Its input.
    pub input: Payload,
    /// Who waits for it.
    pub parent: Option<Parent>,
    /// When it was started.
    pub created_at: Timestamp,
    /// When its row last changed.
    pub updated_at: Timestamp,
    /// Why it is parked.
    pub reason: Option<String>,
}

/// A worker to register.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewWorker {
    /// Until when its runs are its own if it is not heard of again.
    pub lease_until: Timestamp,
    /// The names of the workflows that it can drive, present and former ones; `None` when it can drive
    /// every workflow.
    pub workflows: Option<Vec<String>>,
}

impl NewWorker {
    /// A worker that can drive every workflow.
    pub fn until(lease_until: Timestamp) -> Self {
        Self {
            lease_until,
            workflows: None,
        }
    }
}

/// A request for runs that are due and that nobody owns.
#[derive(Debug, Clone)]
pub struct Claim {
    /// Who takes them.
    pub worker: WorkerId,
    /// The time it is.
    pub now: Timestamp,
    /// The most runs to take.
    pub limit: usize,
    /// Runs that are passed by: claims failed [for each of them alone](crate::store::StoreError::about). A store
    /// whose claims never do need not look at it.
    pub except: Vec<RunKey>,
}

impl Claim {
    /// A request for up to so many runs, whichever they are.
    pub fn new(worker: WorkerId, now: Timestamp, limit: usize) -> Self {
        Self {
            worker,
            now,
            limit,
            except: Vec::new(),
        }
    }
}

/// The answer: the runs taken, longest due first, and when the next unowned run is due.
#[derive(Debug, Default)]
pub struct Claimed {
    /// The runs, each with its epoch bumped and its whole journal and mailbox.
    pub runs: Vec<LoadedRun>,
    /// The earliest time at which a run that nobody owns is due; may already have passed when more
    /// were due than `limit`.
    pub next_due: Option<Timestamp>,
}

/// Where a run stands that a worker owns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Owned {
    /// Its number.
    pub run: RunKey,
    /// When it was started; `None` when it cannot be read.
    pub created_at: Option<Timestamp>,
    /// Its epoch.
    pub epoch: Epoch,
    /// How many events its journal has; `None` when it cannot be read.
    pub events: Option<usize>,
}

/// A run with all it takes to go on.
#[derive(Debug, Clone, PartialEq)]
pub struct LoadedRun {
    /// Its number.
    pub run: RunKey,
    /// Its id.
    pub id: RunId,
    /// Its workflow's name.
    pub workflow: String,
    /// Its status before the claim.
    pub status: Status,
    /// The epoch of this claim.
    pub epoch: Epoch,
    /// Its input.
    pub input: Payload,
    /// Where its randomness starts.
    pub seed: i64,
    /// Who waits for it.
    pub parent: Option<Parent>,
    /// When it was started.
    pub created_at: Timestamp,
    /// How often a worker died with it since it last got further: since its journal last grew, or
    /// since a worker last let go of it.
    pub deaths: u32,
    /// Its journal, from position zero, without a gap.
    pub events: Vec<Event>,
    /// Its mailbox, in order of arrival.
    pub mail: Vec<Mail>,
}

impl LoadedRun {
    /// Whether it was taken on trial: while it is, no other suspect is.
    pub(crate) fn is_on_trial(&self) -> bool {
        self.deaths >= SUSPECT_DEATHS
    }
}

/// Which runs to list. Runs come newest first.
#[derive(Debug, Clone, Default)]
pub struct RunQuery {
    /// Only runs in one of these statuses; all when empty.
    pub statuses: Vec<Status>,
    /// Only runs of this workflow.
    pub workflow: Option<String>,
    /// Only runs that this one has started.
    pub parent: Option<RunKey>,
    /// Only runs older than this one: the `next` of the page before.
    pub before: Option<RunKey>,
    /// The most runs of the page.
    pub limit: usize,
}

/// Some of the runs that a run has started, oldest first.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Children {
    /// The runs, without their inputs.
    pub runs: Vec<RunRecord>,
    /// How many there are after these.
    pub more: u64,
}

/// A page of runs.
#[derive(Debug, Clone, Default)]
pub struct RunPage {
    /// The runs, without their inputs.
    pub runs: Vec<RunRecord>,
    /// Where the next page starts; `None` when this one is the last.
    pub next: Option<RunKey>,
}
