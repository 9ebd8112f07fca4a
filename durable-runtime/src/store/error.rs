//! What can go wrong with a database.

use std::{
    error::Error as StdError,
    fmt::{self, Write},
};

use crate::text::Printable;

use crate::journal::{RunId, RunKey};

/// A failed store call. Nothing of it was written, unless [`StoreErrorKind::Unavailable`] says that
/// the outcome is unknown; every call may be made again.
#[derive(Debug)]
pub struct StoreError {
    kind: StoreErrorKind,
    message: String,
    timed_out: bool,
    locked: Vec<(RunKey, RunId)>,
    run: Option<RunKey>,
    without_room: Vec<usize>,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

/// What sort of store error it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum StoreErrorKind {
    /// Another process holds the database; trying again helps.
    Busy,
    /// Somebody holds a row for longer than anybody should; what needs other rows goes on meanwhile.
    Locked,
    /// The disk is full, an I/O call failed or the connection broke; it may pass.
    Unavailable,
    /// Signals of a batch have no room in the mailboxes of their runs; the others can be written.
    MailboxFull,
    /// The database cannot be written.
    ReadOnly,
    /// The file is no database, or is damaged.
    Corrupt,
    /// The database was written by a newer version of this library.
    NewerSchema,
    /// The database was made by an older version of this library, and a client does not change it: an engine
    /// of this version does, when it is opened.
    OlderSchema,
    /// There is no database of this library at the address, and a client makes none: an engine does, when it
    /// is opened.
    Missing,
    /// The address or the options make no sense, or the file cannot be opened.
    Open,
    /// The database's file was deleted, or another was put in its place, while it was open. Nothing was
    /// acknowledged since.
    Replaced,
    /// The server refused the login, or the role lacks a right.
    Denied,
    /// The server, or what stands in front of it, cannot be built on.
    Unsupported,
    /// A row holds what this version cannot read.
    Unreadable,
    /// The database cannot hold what was to be written, and never will: it is too large for it, or breaks
    /// one of its rules.
    Refused,
    /// A statement failed in a way that should not happen.
    Internal,
}

impl StoreError {
    /// An error of a kind, with a message that says what failed and what to do.
    pub fn new(kind: StoreErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            timed_out: false,
            locked: Vec::new(),
            run: None,
            without_room: Vec::new(),
            source: None,
        }
    }

    /// For signals that have no room in the mailboxes of their runs, by their places in
    /// [`Batch::mail`](super::Batch::mail). Of kind [`StoreErrorKind::MailboxFull`].
    pub fn without_room(places: impl IntoIterator<Item = usize>) -> Self {
        let message = "signals have no room in the mailboxes of their runs";
        Self {
            without_room: places.into_iter().collect(),
            ..Self::new(StoreErrorKind::MailboxFull, message)
        }
    }

    /// For a worker that is to be registered on a store that was opened for clients.
    #[cfg(any(feature = "sqlite", feature = "postgres"))]
    pub(super) fn for_clients(store: &str) -> Self {
        let message = format!(
            "the store was opened for clients (`{store}::connect`), and no worker can be on it; open it with \
             `{store}::open` for an engine"
        );
        Self::new(StoreErrorKind::Open, message)
    }

    /// For a store that this build was made without.
    #[cfg(not(all(feature = "sqlite", feature = "postgres")))]
    pub(crate) fn not_built(name: &str, feature: &str) -> Self {
        let message = format!("this build has no {name} store; enable the feature `{feature}`");
        Self::new(StoreErrorKind::Open, message)
    }

    /// Adds the error underneath.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// Says that the database works and there was no answer in time: a smaller call may have one. A store
    /// that says so implements [`Store::settle`](super::Store::settle).
    #[must_use]
    pub fn timed_out(mut self) -> Self {
        self.timed_out = true;
        self
    }

    /// Names the runs whose rows are held by somebody, for [`StoreErrorKind::Locked`].
    #[must_use]
    pub fn with_locked(mut self, runs: impl IntoIterator<Item = (RunKey, RunId)>) -> Self {
        self.locked.extend(runs);
        self
    }

    /// Says that the call failed for one of the runs that it was for, and names it: without that run it may
    /// succeed.
    #[must_use]
    pub fn about(mut self, run: RunKey) -> Self {
        self.run = Some(run);
        self
    }

    /// The run for which alone the call failed, as far as is known.
    pub(crate) fn culprit(&self) -> Option<RunKey> {
        self.run.filter(|_| self.may_be_of_a_part())
    }

    /// Whether there was no answer in time.
    pub(crate) fn is_timeout(&self) -> bool {
        self.timed_out
    }

    /// The runs whose rows are held by somebody, as far as is known.
    pub(crate) fn locked(&self) -> &[(RunKey, RunId)] {
        &self.locked
    }

    /// The signals that have no room, by their places in the batch.
    pub(crate) fn places_without_room(&self) -> &[usize] {
        &self.without_room
    }

    /// Whether the same call can never succeed, while others can.
    pub(crate) fn is_for_good(&self) -> bool {
        matches!(
            self.kind,
            StoreErrorKind::Refused | StoreErrorKind::Unreadable
        )
    }

    /// Whether it may be about a part of what was asked, so that the rest may succeed without it.
    pub(crate) fn may_be_of_a_part(&self) -> bool {
        let of_a_part = matches!(
            self.kind,
            StoreErrorKind::Locked
                | StoreErrorKind::MailboxFull
                | StoreErrorKind::Corrupt
                | StoreErrorKind::Internal
        );
        of_a_part || self.timed_out || self.is_for_good()
    }

    /// What sort of error it is.
    pub fn kind(&self) -> StoreErrorKind {
        self.kind
    }

    /// Whether the same call may succeed later without anybody mending anything.
    pub fn is_transient(&self) -> bool {
        matches!(
            self.kind,
            StoreErrorKind::Busy | StoreErrorKind::Locked | StoreErrorKind::Unavailable
        )
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let f = &mut Printable(f);
        f.write_str(&self.message)?;
        match &self.source {
            Some(source) => write!(f, ": {source}"),
            None => Ok(()),
        }
    }
}

impl StdError for StoreError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}
