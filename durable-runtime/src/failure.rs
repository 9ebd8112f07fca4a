//! What a failed step, child or run gives back: the same when it happens and on every replay.

use std::{
    error::Error as StdError,
    fmt::{self, Write},
    time::Duration,
};

use serde::{Deserialize, Deserializer, Serialize, de::DeserializeOwned};

use crate::{
    id::StepId,
    text::Printable,
    values::{Payload, PayloadError},
};

mod chain;
mod step_error;

pub use step_error::StepError;

/// Any error, boxed; what steps and workflows may fail with converts into it.
pub type BoxError = Box<dyn StdError + Send + Sync + 'static>;

/// What a step, a compensation or a workflow may fail with.
///
/// Implemented for everything that converts into [`BoxError`]: types that implement
/// [`std::error::Error`], `String`, `&'static str`, `anyhow::Error`, `BoxError` itself.
#[diagnostic::on_unimplemented(
    message = "a step, a compensation or a workflow cannot fail with `{Self}`",
    label = "does not convert into `Box<dyn std::error::Error + Send + Sync>`",
    note = "why: what fails is recorded with its message, its type and its sources",
    note = "instead: implement `std::error::Error` for `{Self}`, or fail with a `String` or with the \
            error of `durable::Result`"
)]
pub trait UserError {
    /// The error, boxed.
    fn into_boxed(self) -> BoxError;
}

// What is missing is said of the type itself, not of the conversions it does not have.
#[diagnostic::do_not_recommend]
impl<E: Into<BoxError>> UserError for E {
    fn into_boxed(self) -> BoxError {
        self.into()
    }
}

/// How many compensations of a child that failed its parent's failure keeps.
const INHERITED_MAX: usize = 100;

/// How many compensations that failed are told in a text.
const COMPENSATIONS_SHOWN: usize = 10;

/// Why a step, a child or a run failed. A real [`std::error::Error`], recorded in the journal, so
/// that a replay sees exactly what the first execution saw.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Failure(Box<Inner>);

#[derive(Clone, PartialEq, Serialize, Deserialize)]
struct Inner {
    kind: FailureKind,
    message: String,
    #[serde(rename = "type", default, skip_serializing_if = "String::is_empty")]
    error_type: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    sources: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    step: Option<StepId>,
    #[serde(default, skip_serializing_if = "is_zero")]
    attempts: u32,
    #[serde(default = "yes", skip_serializing_if = "Clone::clone")]
    retryable: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    retry_after: Option<Duration>,
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    details: Option<serde_json::Value>,
    /// Why the details could not be recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    details_error: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    compensations: Vec<Failure>,
}

/// What sort of failure it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum FailureKind {
    /// User code returned an error.
    Application,
    /// An attempt took longer than its timeout, or a signal did not come in time.
    Timeout,
    /// User code panicked.
    Panicked,
    /// The run, or the child waited for, was canceled.
    Canceled,
    /// A value could not be recorded or read, or was too large. What a step did before it gave such a
    /// value is done.
    Payload,
    /// A bound of the engine does not allow it: the id of a child would be too long.
    Limit,
}

impl Failure {
    /// A failure of a kind, with a message.
    pub fn new(kind: FailureKind, message: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            kind,
            message: message.into(),
            error_type: String::new(),
            sources: Vec::new(),
            step: None,
            attempts: 0,
            retryable: true,
            retry_after: None,
            details: None,
            details_error: None,
            compensations: Vec::new(),
        }))
    }

    /// The failure that an error of user code amounts to. A [`StepError`] keeps its instructions, and
    /// a `Failure` (of a step, passed on with `?`) stays itself. So they do inside another error, as its
    /// source or behind `#[error(transparent)]`: then the outer error gives its text and its type, and the
    /// inner one everything else.
    pub fn from_error(error: BoxError, error_type: &str) -> Self {
        let error = match error.downcast::<Self>() {
            Ok(failure) => return *failure,
            Err(error) => error,
        };
        match error.downcast::<StepError>() {
            Ok(error) => error.into_failure(),
            Err(error) => chain::describe(&*error, error_type),
        }
    }

    /// What sort of failure it is.
    pub fn kind(&self) -> FailureKind {
        self.0.kind
    }

    /// The error's own text, without the step and the attempts.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// The Rust type of the error, as `std::any::type_name` spells it; empty when unknown.
    pub fn error_type(&self) -> &str {
        &self.0.error_type
    }

    /// The texts of the error's sources, outermost first.
    pub fn sources(&self) -> &[String] {
        &self.0.sources
    }

    /// The operation that failed; `None` when the workflow's own code did.
    pub fn step(&self) -> Option<&StepId> {
        self.0.step.as_ref()
    }

    /// How many attempts were made; zero where attempts have no meaning.
    pub fn attempts(&self) -> u32 {
        self.0.attempts
    }

    /// Whether another attempt might have helped.
    pub fn is_retryable(&self) -> bool {
        self.0.retryable
    }

    /// How long the error asked to wait before the next attempt.
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after
    }

    /// The typed details the error carried, if any.
    ///
    /// # Errors
    ///
    /// When there are details, but not of this type; and when they could not be recorded.
    pub fn details<T: DeserializeOwned>(&self) -> Result<Option<T>, PayloadError> {
        match (&self.0.details, &self.0.details_error) {
            (Some(details), _) => Payload::encode(details)?.decode().map(Some),
            (None, Some(why)) => Err(PayloadError::never_recorded::<T>(why)),
            (None, None) => Ok(None),
        }
    }

    /// What was not undone while the run was rolled back: compensations that failed for good, and, with the
    /// kind [`Canceled`](FailureKind::Canceled), those that were not made because the rollback was abandoned.
    pub fn compensations(&self) -> &[Self] {
        &self.0.compensations
    }

    /// Whether the attempt that failed was cut off before it could say what it had done, or what it said
    /// cannot be recorded: its effect may have happened.
    pub(crate) fn leaves_outcome_unknown(&self) -> bool {
        matches!(
            self.kind(),
            FailureKind::Timeout | FailureKind::Panicked | FailureKind::Payload
        )
    }

    pub(crate) fn at_step(mut self, step: &StepId, attempts: u32) -> Self {
        // The innermost step is the one to name: a failure passed on by a child keeps its own.
        if self.0.step.is_none() {
            self.0.step = Some(step.clone());
            self.0.attempts = attempts;
        }
        self
    }

    /// Adds what was not undone; what a child did not undo, whose failure this is, stays, up to a bound: the
    /// child's own journal has all of it.
    pub(crate) fn with_compensations(mut self, compensations: Vec<Self>) -> Self {
        // A chain of children that fail must not pile up without end.
        self.0.compensations.truncate(INHERITED_MAX);
        self.0.compensations.extend(compensations);
        self
    }

    /// What is said of a step that a rollback which was abandoned did not undo.
    pub(crate) fn not_undone(step: &StepId, attempts: u32) -> Self {
        let message = match attempts {
            0 => "the rollback was abandoned",
            _ => "the rollback was abandoned while its compensation was being tried",
        };
        Self::new(FailureKind::Canceled, message)
            .permanent()
            .at_step(step, attempts)
    }

    fn fmt_as_compensation(&self, f: &mut impl Write) -> fmt::Result {
        match (&self.0.step, self.0.kind) {
            (Some(step), FailureKind::Canceled) => {
                write!(f, "; step `{step}` was not undone: {}", self.0.message)
            }
            _ => write!(f, "; compensation also failed: {self}"),
        }
    }

    /// The failure of an operation whose value cannot be recorded: trying again would not help.
    pub(crate) fn unrecordable(error: &dyn StdError) -> Self {
        Self::new(FailureKind::Payload, error.to_string()).permanent()
    }

    pub(crate) fn permanent(mut self) -> Self {
        self.0.retryable = false;
        self
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let f = &mut Printable(f);
        if let Some(step) = &self.0.step {
            write!(f, "step `{step}` failed")?;
            if self.0.attempts > 1 {
                write!(f, " after {} attempts", self.0.attempts)?;
            }
            f.write_str(": ")?;
        }
        f.write_str(&self.0.message)?;
        for source in &self.0.sources {
            // Many errors repeat their source in their own text.
            if !self.0.message.contains(source.as_str()) {
                write!(f, ": {source}")?;
            }
        }
        if let Some(why) = &self.0.details_error {
            write!(f, "; its details could not be recorded: {why}")?;
        }
        for compensation in self.0.compensations.iter().take(COMPENSATIONS_SHOWN) {
            compensation.fmt_as_compensation(f)?;
        }
        match self
            .0
            .compensations
            .len()
            .saturating_sub(COMPENSATIONS_SHOWN)
        {
            0 => Ok(()),
            more => write!(f, "; and {more} more that were not undone"),
        }
    }
}

impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Failure")
            .field("kind", &self.0.kind)
            .field("message", &self.to_string())
            .finish_non_exhaustive()
    }
}

impl StdError for Failure {
    /// What stands behind the failure: by it, a failure is found in an error that shows its own source in
    /// its place (`#[error(transparent)]`).
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        Some(&*self.0)
    }
}

/// Only what a failure's own text does not say.
impl fmt::Display for Inner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            FailureKind::Application if self.error_type.is_empty() => {
                f.write_str("an error of user code")
            }
            FailureKind::Application => write!(f, "an error of type `{}`", self.error_type),
            FailureKind::Timeout => f.write_str("a timeout"),
            FailureKind::Panicked => f.write_str("a panic"),
            FailureKind::Canceled => f.write_str("a cancellation"),
            FailureKind::Payload => f.write_str("a value that cannot be recorded or read"),
            FailureKind::Limit => f.write_str("a bound of the engine"),
        }
    }
}

impl fmt::Debug for Inner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl StdError for Inner {}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes a reference"
)]
fn is_zero(n: &u32) -> bool {
    *n == 0
}

/// A value that is there, also when it is `null`.
fn present<'de, D: Deserializer<'de>>(from: D) -> Result<Option<serde_json::Value>, D::Error> {
    Deserialize::deserialize(from).map(Some)
}

fn yes() -> bool {
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_keeps_its_text_type_and_sources_through_the_journal() {
        let inner = std::io::Error::other("connection reset");
        let failure = Failure::from_error(Box::new(inner), "std::io::Error")
            .at_step(&StepId::new("", "charge", 0), 3);
        let recorded = Payload::encode(&failure).unwrap();
        assert_eq!(recorded.decode::<Failure>().unwrap(), failure);
        assert_eq!(
            failure.to_string(),
            "step `charge` failed after 3 attempts: connection reset"
        );
    }

    #[test]
    fn a_step_error_gives_its_instructions_to_the_failure() {
        let error = StepError::new("no")
            .permanent()
            .retry_after(Duration::from_secs(1))
            .details(&7);
        let failure = Failure::from_error(Box::new(error), "ignored");
        assert!(!failure.is_retryable());
        assert_eq!(failure.retry_after(), Some(Duration::from_secs(1)));
        assert_eq!(failure.details::<u8>().unwrap(), Some(7));
    }

    #[test]
    fn a_failure_passed_on_stays_itself() {
        let failure = Failure::new(FailureKind::Timeout, "late").permanent();
        assert_eq!(Failure::from_error(Box::new(failure.clone()), "x"), failure);
    }
}
