//! Persistence: the one seam between the engine and a database.
//!
//! Invariant: a run's state changes only through [`Store::commit`], and one batch is one
//! transaction. Only the folders below this one name `sqlx`.

mod address;
mod batch;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod columns;
mod error;
mod hint;
mod interface;
mod memory;
#[cfg(feature = "postgres")]
mod postgres;
mod record;
mod rules;
#[cfg(feature = "sqlite")]
mod sqlite;

pub(crate) use address::Named;
pub(crate) use batch::bytes;
pub use batch::{
    Batch, BatchId, BatchOutcome, Commit, CommitOutcome, Delivery, MailOutcome, MailTarget,
    NewMail, NewRun, Ownership, RunUpdate, StartOutcome,
};
pub use error::{StoreError, StoreErrorKind};
pub use hint::Hint;
pub use interface::{Store, StoreFuture};
pub use memory::MemoryStore;
#[cfg(feature = "postgres")]
pub use postgres::{PostgresOptions, PostgresStore};
pub use record::{
    ChildOutcome, Children, Claim, Claimed, LoadedRun, Mail, MailKind, NewWorker, Owned, Parent,
    RunPage, RunQuery, RunRecord,
};
#[cfg(feature = "sqlite")]
pub use sqlite::{SqliteOptions, SqliteStore};
