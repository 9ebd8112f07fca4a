//! The error of the engine's own calls.

use std::{
    error::Error as StdError,
    fmt::{self, Write},
    time::Duration,
};

use crate::{
    context::MissingState,
    failure::Failure,
    journal::{InvalidRunId, PayloadError, RunId},
    registry::RegistryError,
    store::{StoreError, StoreErrorKind},
    text::Printable,
};

/// Why a call of an [`Engine`](crate::engine::Engine) or a [`Client`](crate::client::Client) failed.
/// Its text says what failed, on which run, and what to do; match on [`kind`](Self::kind).
pub struct Error(Box<Inner>);

struct Inner {
    kind: ErrorKind,
    message: String,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

/// What sort of error it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum ErrorKind {
    /// No workflow of this name is registered in this program.
    UnknownWorkflow,
    /// Two workflows have one name.
    DuplicateWorkflow,
    /// A workflow reads application state that was not given.
    MissingState,
    /// The run id may not be used.
    InvalidRunId,
    /// A value is not what the workflow or the signal takes.
    InvalidPayload,
    /// A value is larger than the limit.
    PayloadTooLarge,
    /// A run with this id exists, with another workflow or another input.
    Conflict,
    /// No run has this id.
    UnknownRun,
    /// The workflow waits for no signal of this name.
    UnknownSignal,
    /// So many signals wait for the run that it takes no more at this time.
    MailboxFull,
    /// The run has ended already.
    Ended,
    /// The run is being rolled back: it takes no signals, and is canceled already.
    RollingBack,
    /// The run failed; [`Error::failure`] says why.
    Failed,
    /// The run was canceled.
    Canceled,
    /// The run is parked: it needs a fitting build or a person.
    Parked,
    /// The run did not come so far within the [`timeout`](crate::client::Run::timeout) of its handle.
    TimedOut,
    /// The database failed; the [`StoreErrorKind`] is in [`Error::store_kind`].
    Store,
    /// The engine has ended: it was shut down or dropped, the tokio runtime has ended that it was opened
    /// on, or it is broken; the text says which.
    ShutDown,
    /// The engine has ended, and the database did not take back all of its runs in time.
    NotGivenBack,
}

impl Error {
    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            kind,
            message: message.into(),
            source: None,
        }))
    }

    fn from_source<E: StdError + Send + Sync + 'static>(kind: ErrorKind, source: E) -> Self {
        let message = source.to_string();
        Self(Box::new(Inner {
            kind,
            message,
            source: Some(Box::new(source)),
        }))
    }

    pub(crate) fn failed(run: &RunId, failure: Failure) -> Self {
        let message = format!("run `{run}` failed: {failure}");
        Self(Box::new(Inner {
            kind: ErrorKind::Failed,
            message,
            source: Some(Box::new(failure)),
        }))
    }

    pub(crate) fn not_given_back(
        runs: &[RunId],
        trouble: Option<&str>,
        grace: Duration,
        lease: Duration,
    ) -> Self {
        const NAMED: usize = 3;
        let named: Vec<_> = runs
            .iter()
            .take(NAMED)
            .map(|id| format!("`{id}`"))
            .collect();
        let more = match runs.len().saturating_sub(NAMED) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let message = format!(
            "the engine has ended, and the database did not take back run {}{more} within the grace of \
             {grace:?}: {}; nothing that was acknowledged is lost: other workers take them over when the \
             lease of this one ends, in {lease:?} at the latest",
            named.join(", "),
            trouble.unwrap_or("it did not answer"),
        );
        Self::new(ErrorKind::NotGivenBack, message)
    }

    /// What sort of error it is.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// Why the run failed, for [`ErrorKind::Failed`].
    pub fn failure(&self) -> Option<&Failure> {
        self.0
            .source
            .as_ref()
            .and_then(|source| source.downcast_ref())
    }

    /// What sort of store error it is, for [`ErrorKind::Store`].
    pub fn store_kind(&self) -> Option<StoreErrorKind> {
        self.0
            .source
            .as_ref()
            .and_then(|s| s.downcast_ref::<StoreError>())
            .map(StoreError::kind)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Printable(f).write_str(&self.0.message)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(Printable(f), "Error({:?}: {})", self.0.kind, self.0.message)
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        // The message already tells what the source says; what is below it may add something.
        // What another run failed with is asked for with `failure`, and is not the failure of who waits.
        let source = self
            .0
            .source
            .as_ref()
            .filter(|source| !source.is::<Failure>());
        source.and_then(|source| source.source())
    }
}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        Self::from_source(ErrorKind::Store, error)
    }
}

impl From<RegistryError> for Error {
    fn from(error: RegistryError) -> Self {
        Self::from_source(ErrorKind::DuplicateWorkflow, error)
    }
}

impl From<MissingState> for Error {
    fn from(error: MissingState) -> Self {
        Self::from_source(ErrorKind::MissingState, error)
    }
}

impl From<InvalidRunId> for Error {
    fn from(error: InvalidRunId) -> Self {
        Self::from_source(ErrorKind::InvalidRunId, error)
    }
}

impl From<PayloadError> for Error {
    fn from(error: PayloadError) -> Self {
        Self::from_source(ErrorKind::InvalidPayload, error)
    }
}
