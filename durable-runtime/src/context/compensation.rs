//! Compensations, and what they may be told.

use std::{future::Future, time::Duration};

use super::{Data, StepCtx};
use crate::{
    failure::BoxError,
    journal::{Payload, PayloadError},
    outcome::Outcome,
    retry::Retry,
};

/// How long an attempt of a compensation may take, if nothing else is said.
const TIMEOUT: Duration = Duration::from_secs(3_600);

/// A compensation of a step that gives a `T`: implemented by the type that `#[durable::compensate]`
/// puts beside the fn, under the fn's own name.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not undo a step that gives a `{T}`",
    label = "this compensation takes the output of another step",
    note = "why: a rollback calls it with what the step gave, read from the journal",
    note = "instead: a compensation whose second parameter is a `{T}`, or a `durable::Outcome<{T}>`"
)]
pub trait Compensation<T>: Sized + Send + Sync + 'static {
    /// Its name.
    const NAME: &'static str;

    #[doc(hidden)]
    type __Told: Told<Output = T> + Send;

    #[doc(hidden)]
    fn __retry() -> Retry {
        Retry::compensation()
    }

    #[doc(hidden)]
    fn __timeout() -> Duration {
        TIMEOUT
    }

    #[doc(hidden)]
    fn __run(
        step: &StepCtx,
        told: Self::__Told,
    ) -> impl Future<Output = Result<(), BoxError>> + Send;
}

/// What the second parameter of a compensation may be: what the step gave, or an [`Outcome`] of that,
/// which can also be unknown.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be journaled",
    label = "must implement `serde::Serialize` and `serde::de::DeserializeOwned`, and be `Send + 'static`",
    note = "why: a compensation is given what its step gave, read from the journal",
    note = "instead: the type that the step gives, or a `durable::Outcome` of it, with \
            `#[derive(serde::Serialize, serde::Deserialize)]` on the type"
)]
pub trait Told: Sized {
    /// What the step gives.
    type Output: Data;

    #[doc(hidden)]
    fn __told(outcome: Outcome<Self::Output>) -> Option<Self>;

    // Here, so that only this trait asks for `Data`: what lacks it is said once.
    #[doc(hidden)]
    fn __read(output: &Payload) -> Result<Self::Output, PayloadError> {
        Self::Output::__decode(output)
    }
}

#[diagnostic::do_not_recommend]
impl<T: Data> Told for T {
    type Output = T;

    fn __told(outcome: Outcome<T>) -> Option<T> {
        outcome.completed()
    }
}

#[diagnostic::do_not_recommend]
impl<T: Data> Told for Outcome<T> {
    type Output = T;

    fn __told(outcome: Self) -> Option<Self> {
        Some(outcome)
    }
}
