//! What is written: a batch of starts, mail and commits, and the outcome of each.

use crate::{
    journal::{Epoch, Event, MailId, Payload, RunId, RunKey, Timestamp, WorkerId},
    record::{MailKind, Parent},
    status::Status,
};

/// Everything that one transaction writes. Starts are applied first, then mail, then commits, each in
/// order; each part succeeds or is refused on its own, and nothing of a refused part is written. Only signals
/// that have no [room](Self::mailbox_max) keep the others from being written.
#[derive(Debug, Clone, Default)]
pub struct Batch {
    /// Which batch of which worker it is; `None` when it is sent only once, by nobody in particular. See
    /// [`BatchId`].
    pub id: Option<BatchId>,
    /// Runs to start.
    pub starts: Vec<NewRun>,
    /// Mail from clients.
    pub mail: Vec<NewMail>,
    /// The most signals of one name that may wait for one run when those in `mail` are written; `None` when
    /// there is no bound. If some signals have no room, nothing of the batch is written, and the error
    /// [names them](crate::store::StoreError::without_room). Whatever else is mail always has room.
    pub mailbox_max: Option<u32>,
    /// Progress of runs. At most one per run.
    pub commits: Vec<Commit>,
}

/// Which batch of which worker or client. A batch whose outcome is unknown is sent again under the same id. A
/// store writes the mail of a batch only if its number is above that of every batch with mail that the
/// sender has sent: so it is written once, and an old try that comes late writes nothing. (Starts and commits
/// need no such memory: a run's id and a journal position are taken only once by themselves.) What a worker
/// has sent is remembered for a week after it was found gone, and what a client has sent for a week.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BatchId {
    /// Who sends it: a worker, or a client, which [drives nothing](WorkerId::is_client) and is registered
    /// nowhere.
    pub worker: WorkerId,
    /// The sender's own count of its batches; grows from one to the next. That of a client is at least the
    /// time in microseconds, by which a store knows how old it is.
    pub number: i64,
}

/// The outcomes, in the order of the batch.
#[derive(Debug, Default)]
pub struct BatchOutcome {
    /// One per start.
    pub starts: Vec<StartOutcome>,
    /// One per piece of mail.
    pub mail: Vec<MailOutcome>,
    /// One per commit.
    pub commits: Vec<CommitOutcome>,
}

impl Batch {
    /// Who sends it, if it says so: a worker writes to its own runs only.
    pub(crate) fn sender(&self) -> Option<WorkerId> {
        self.id.map(|id| id.worker)
    }

    /// Whether there is nothing to write.
    pub fn is_empty(&self) -> bool {
        self.starts.is_empty() && self.mail.is_empty() && self.commits.is_empty()
    }
}

/// A run to start.
#[derive(Debug, Clone)]
pub struct NewRun {
    /// Its id.
    pub id: RunId,
    /// Its workflow's name.
    pub workflow: String,
    /// Its input.
    pub input: Payload,
    /// Where its randomness starts.
    pub seed: i64,
    /// When it was started.
    pub at: Timestamp,
    /// Who waits for it.
    pub parent: Option<Parent>,
    /// The worker that takes it at once (status `running`, epoch 1); `None` leaves it `pending` and
    /// due at once for any worker (epoch 0).
    pub owner: Option<WorkerId>,
}

/// What became of a start.
#[derive(Debug, Clone, PartialEq)]
pub enum StartOutcome {
    /// The run was inserted: now, or by the same request whose reply was lost (same seed, still owned
    /// as asked for, and nobody has claimed it since).
    Created {
        /// Its number.
        run: RunKey,
    },
    /// There is a run with this id. Nothing was changed; the caller compares.
    Exists {
        /// Its number.
        run: RunKey,
        /// Its workflow.
        workflow: String,
        /// Its input.
        input: Payload,
        /// Its parent's number, if it is a child.
        parent: Option<RunKey>,
    },
}

/// Whom mail is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MailTarget {
    /// A run by its number.
    Key(RunKey),
    /// A run by its id.
    Id(RunId),
}

/// Mail from a client.
#[derive(Debug, Clone)]
pub struct NewMail {
    /// Whom it is for.
    pub to: MailTarget,
    /// What it is.
    pub kind: MailKind,
    /// When it was sent.
    pub at: Timestamp,
}

/// What became of a piece of mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MailOutcome {
    /// It is in the mailbox.
    Delivered(Delivery),
    /// No run has this id.
    UnknownRun,
    /// The run has ended.
    Ended(Status),
    /// The run is being rolled back: signals reach nobody any more, and it is canceled already.
    RollingBack,
}

impl MailOutcome {
    /// Where the mail went, if it is in a mailbox.
    pub fn delivery(self) -> Option<Delivery> {
        match self {
            Self::Delivered(delivery) => Some(delivery),
            Self::UnknownRun | Self::Ended(_) | Self::RollingBack => None,
        }
    }
}

/// Where mail went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Delivery {
    /// The run.
    pub run: RunKey,
    /// The mail's number; `None` when it was written by an earlier try of the same batch, and may have
    /// been consumed since.
    pub mail: Option<MailId>,
    /// Whether a worker owns the run. If not, it was made due at once.
    pub owned: bool,
}

/// The progress of one run since its last commit.
#[derive(Debug, Clone)]
pub struct Commit {
    /// The run.
    pub run: RunKey,
    /// When the run was started. The commit is refused when it is not what the run's row says: a database
    /// that failed over may have forgotten a run and given its number to another.
    pub created_at: Timestamp,
    /// The epoch of its claim. The commit is refused when it is not the run's current one.
    pub epoch: Epoch,
    /// The position of the first of `events`.
    pub position: u32,
    /// What happened, in order.
    pub events: Vec<Event>,
    /// The run's new state, if it changed.
    pub update: Option<RunUpdate>,
    /// Children to start. `parent` names this run.
    pub children: Vec<NewRun>,
    /// Mail that these events took in, to be removed.
    pub consumed: Vec<MailId>,
    /// Mail to other runs: results to a parent, cancellations to children. Mail to a run that has
    /// ended or does not exist is dropped.
    pub outgoing: Vec<NewMail>,
    /// When the commit was made.
    pub at: Timestamp,
}

/// A run's new state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunUpdate {
    /// Its status.
    pub status: Status,
    /// Who goes on with it.
    pub ownership: Ownership,
    /// Why it is parked; `None` in every other status.
    pub reason: Option<String>,
}

/// Who goes on with a run after a commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ownership {
    /// The worker keeps it in memory.
    Keep,
    /// The worker lets go of it. It is claimable from `due` on, or at once when mail with a number
    /// above `seen` is in its mailbox; with neither, it stays where it is until mail comes.
    Release {
        /// When a worker must look at it again; `None` for ended and parked runs and for waits
        /// without an end.
        due: Option<Timestamp>,
        /// The last mail the run has seen.
        seen: MailId,
    },
}

/// What became of a commit.
#[derive(Debug, Clone, PartialEq)]
pub enum CommitOutcome {
    /// It is durable.
    Committed {
        /// One per child, in order.
        children: Vec<StartOutcome>,
        /// One per outgoing mail, in order; `None` for mail that was dropped.
        outgoing: Vec<Option<Delivery>>,
    },
    /// The run belongs to another worker now (or to none), and nothing was written.
    LostOwnership,
}

/// What an event or a row takes beside its payload.
const ROW_BYTES: usize = 64;

impl NewRun {
    /// About how many bytes it takes to write.
    pub(crate) fn bytes(&self) -> usize {
        self.input.len() + ROW_BYTES
    }
}

impl NewMail {
    /// About how many bytes it takes to write.
    pub(crate) fn bytes(&self) -> usize {
        let payload = match &self.kind {
            MailKind::Signal { payload, .. } => Some(payload),
            MailKind::Child { outcome, .. } => outcome.as_ref().ok(),
            MailKind::Cancel | MailKind::AbandonRollback => None,
        };
        payload.map_or(0, Payload::len) + ROW_BYTES
    }
}

impl Commit {
    /// About how many bytes it takes to write.
    pub(crate) fn bytes(&self) -> usize {
        bytes(&self.events, &self.children, &self.outgoing)
    }

    /// Until when it lets go of the run, if that is for a time.
    #[cfg(feature = "postgres")]
    pub(crate) fn released_until(&self) -> Option<Timestamp> {
        match self.update.as_ref()?.ownership {
            Ownership::Release { due, .. } => due,
            Ownership::Keep => None,
        }
    }
}

/// About how many bytes a commit of these takes to write.
pub(crate) fn bytes(events: &[Event], children: &[NewRun], outgoing: &[NewMail]) -> usize {
    let events = events
        .iter()
        .map(|event| event.kind.payload_bytes() + ROW_BYTES);
    let children = children.iter().map(NewRun::bytes);
    events
        .chain(children)
        .chain(outgoing.iter().map(NewMail::bytes))
        .sum()
}
