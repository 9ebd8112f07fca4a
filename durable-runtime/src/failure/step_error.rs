//! An error with instructions for the engine.

use std::{
    error::Error as StdError,
    fmt::{self, Write},
    time::Duration,
};

use serde::Serialize;

use super::{BoxError, Failure};
use crate::{
    text::Printable,
    values::{PayloadError, record_tree},
};

/// How deep details are nested at most. `serde_json` reads 127 levels, and failures stand in others.
const LEVELS_MAX: u32 = 64;

/// An error of a step with instructions for the engine: not to retry, to wait a while first, or to
/// keep typed details for whoever handles the failure.
///
/// ```
/// use std::time::Duration;
/// # use durable_runtime as durable;
/// use durable::StepError;
///
/// let declined = StepError::new("card declined").permanent();
/// let busy = StepError::new("too many requests").retry_after(Duration::from_secs(30));
/// assert_eq!(declined.to_string(), "card declined");
/// # let _ = busy;
/// ```
#[derive(Debug)]
pub struct StepError(Box<Marked>);

/// An error and what it wants of the engine.
#[derive(Debug)]
pub(super) struct Marked {
    error: BoxError,
    error_type: &'static str,
    retryable: bool,
    retry_after: Option<Duration>,
    details: Option<Result<serde_json::Value, PayloadError>>,
}

impl StepError {
    /// Wraps an error; without further instructions it behaves like the error itself.
    pub fn new<E: Into<BoxError>>(error: E) -> Self {
        Self(Box::new(Marked {
            error: error.into(),
            error_type: std::any::type_name::<E>(),
            retryable: true,
            retry_after: None,
            details: None,
        }))
    }

    /// No further attempt: trying again cannot help.
    #[must_use]
    pub fn permanent(mut self) -> Self {
        self.0.retryable = false;
        self
    }

    /// The next attempt starts no earlier than this long from now, whatever the retry policy says.
    #[must_use]
    pub fn retry_after(mut self, delay: Duration) -> Self {
        self.0.retry_after = Some(delay);
        self
    }

    /// Attaches a value that [`Failure::details`] gives back, also to a client, by
    /// [`Error::failure`](crate::error::Error::failure).
    ///
    /// A value that cannot be recorded (a map whose keys are not strings, a NaN, more than 64 levels) does
    /// not change what the error means. The failure's text says what is missing and why, and
    /// [`Failure::details`] gives that as its error.
    #[must_use]
    pub fn details<T: Serialize>(mut self, details: &T) -> Self {
        self.0.details = Some(record_tree(details, LEVELS_MAX));
        self
    }

    pub(super) fn into_failure(self) -> Failure {
        let mut marked = *self.0;
        let error = std::mem::replace(&mut marked.error, "".into());
        let mut failure = Failure::from_error(error, marked.error_type);
        marked.instruct(&mut failure);
        failure
    }
}

impl Marked {
    fn is_plain(&self) -> bool {
        self.retryable && self.retry_after.is_none() && self.details.is_none()
    }

    pub(super) fn instruct(&self, failure: &mut Failure) {
        failure.0.retryable &= self.retryable;
        failure.0.retry_after = self.retry_after.or(failure.0.retry_after);
        if let Some(details) = &self.details {
            failure.0.details_error = details.as_ref().err().map(ToString::to_string);
            failure.0.details = details.as_ref().ok().cloned();
        }
    }
}

/// So that `?` works on I/O where a step returns `Result<_, StepError>`. For errors of other types,
/// `.map_err(StepError::new)?`, or a step that returns [`BoxError`].
impl From<std::io::Error> for StepError {
    fn from(error: std::io::Error) -> Self {
        Self::new(error)
    }
}

impl fmt::Display for StepError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match f.alternate() {
            true => write!(Printable(f), "{:#}", self.0.error),
            false => write!(Printable(f), "{}", self.0.error),
        }
    }
}

impl StdError for StepError {
    /// What it wants, if anything, and then the sources of the error itself: by the former, the
    /// instructions are found in an error that shows its own source in its place
    /// (`#[error(transparent)]`).
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        if self.0.is_plain() {
            self.0.error.source()
        } else {
            Some(&*self.0)
        }
    }
}

/// Only what the error's own text does not say.
impl fmt::Display for Marked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.retryable {
            "it may be tried again"
        } else {
            "it is not to be tried again"
        })?;
        match self.retry_after {
            Some(delay) => write!(f, ", after {delay:?}"),
            None => Ok(()),
        }
    }
}

impl StdError for Marked {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.error.source()
    }
}
