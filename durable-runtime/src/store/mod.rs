//! Persistence: the one seam between the engine and a database.
//!
//! Invariant: a run's state changes only through [`Store::commit`], and one batch is one
//! transaction. Only the folders below this one name `sqlx`.

mod address;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod codes;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod columns;
mod error;
mod hint;
mod interface;
mod memory;
#[cfg(feature = "postgres")]
mod postgres;
mod rules;
#[cfg(feature = "sqlite")]
mod sqlite;

pub use crate::record::{
    Batch, BatchId, BatchOutcome, ChildOutcome, Children, Claim, Claimed, Commit, CommitOutcome,
    Delivery, LoadedRun, Mail, MailKind, MailOutcome, MailTarget, NewMail, NewRun, NewWorker,
    Owned, Ownership, Parent, RunPage, RunQuery, RunRecord, RunUpdate, StartOutcome,
};
pub(crate) use address::Named;
pub use error::{StoreError, StoreErrorKind};
pub use hint::Hint;
pub use interface::{Store, StoreFuture};
pub use memory::MemoryStore;
#[cfg(feature = "postgres")]
pub use postgres::{PostgresOptions, PostgresStore};
#[cfg(feature = "sqlite")]
pub use sqlite::{SqliteOptions, SqliteStore};
