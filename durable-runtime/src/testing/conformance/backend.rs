//! What a store's author provides.

use std::{fmt, future::Future, pin::Pin, sync::Arc};

use crate::{failure::BoxError, journal::RunKey, store::Store};

/// What a [`Backend`] or a [`Database`] returns.
pub type BackendFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T, BoxError>> + Send + 'a>>;

/// A kind of store, as the suite sees it: somewhere to get empty databases from.
pub trait Backend: Send + Sync + fmt::Debug {
    /// Makes an empty database. Called once per case.
    fn create(&self) -> BackendFuture<'_, Arc<dyn Database>>;

    /// Whether databases can be made on this machine; `true` if not implemented. Asked before each
    /// case. If `false`, the case is passed over, and it is for the backend to say so where it is read.
    fn is_here(&self, case: &str) -> bool {
        let _ = case;
        true
    }
}

/// One database of a case.
pub trait Database: Send + Sync + fmt::Debug {
    /// Opens the database. While an earlier store is open this is what a second process does; after
    /// every earlier store was closed, what the next process does.
    fn open(&self) -> BackendFuture<'_, Arc<dyn Store>>;

    /// Damages what is stored, behind the store's back. `false` when this backend has no way to;
    /// the case is then passed over.
    fn damage(&self, damage: Damage) -> BackendFuture<'_, bool> {
        let _ = damage;
        Box::pin(async { Ok(false) })
    }

    /// Removes the database after its case. Called when the case has passed; a backend that has to
    /// clean up after a failure as well does so on drop.
    fn remove(&self) -> BackendFuture<'_, ()> {
        Box::pin(async { Ok(()) })
    }
}

/// Damage to a database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Damage {
    /// Remove one event of a journal.
    RemoveEvent {
        /// The run.
        run: RunKey,
        /// The event's position.
        position: u32,
    },
    /// Give an event a kind's number that no version knows: 9999.
    UnknownEvent {
        /// The run.
        run: RunKey,
        /// The event's position.
        position: u32,
    },
    /// Give a run's mail a kind's number that no version knows: 9999.
    UnknownMail {
        /// The run.
        run: RunKey,
    },
    /// Delete a run, as somebody with a shell does.
    DeleteRun {
        /// The run.
        run: RunKey,
    },
    /// Put an event at the beginning of a run's journal, as another run may have left it: of kind 17, with
    /// the data `1`.
    ForeignEvent {
        /// The run.
        run: RunKey,
    },
    /// Give a run a status's number that no version knows: 9999.
    UnknownStatus {
        /// The run.
        run: RunKey,
    },
}
