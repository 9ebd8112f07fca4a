//! Persistence: the one seam between the engine and a database.
//!
//! Invariant: a run's state changes only through [`Store::commit`], and one batch is one
//! transaction. Only the folders below this one name `sqlx`.

mod batch;
mod error;
mod interface;
mod memory;
mod record;
mod rules;
#[cfg(feature = "sqlite")]
mod sqlite;

pub use batch::{
    Batch, BatchId, BatchOutcome, Commit, CommitOutcome, Delivery, MailOutcome, MailTarget,
    NewMail, NewRun, Ownership, RunUpdate, StartOutcome,
};
pub use error::{StoreError, StoreErrorKind};
pub use interface::{Store, StoreFuture};
pub use memory::MemoryStore;
pub use record::{
    ChildOutcome, Claim, Claimed, LoadedRun, Mail, MailKind, Parent, RunPage, RunQuery, RunRecord,
};
#[cfg(feature = "sqlite")]
pub use sqlite::{SqliteOptions, SqliteStore};
