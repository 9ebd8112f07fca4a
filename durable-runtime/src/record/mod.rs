//! What the core and the stores share: what is written of a run, and what is read. Plain data, with no
//! opinion of either.

mod commit;
mod run;

pub(crate) use commit::bytes;
pub use commit::{
    Batch, BatchId, BatchOutcome, Commit, CommitOutcome, Delivery, MailOutcome, MailTarget,
    NewMail, NewRun, Ownership, RunUpdate, StartOutcome,
};
pub(crate) use run::SUSPECT_DEATHS;
pub use run::{
    ChildOutcome, Children, Claim, Claimed, LoadedRun, Mail, MailKind, NewWorker, Owned, Parent,
    RunPage, RunQuery, RunRecord,
};
