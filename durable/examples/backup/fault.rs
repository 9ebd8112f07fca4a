//! Errors of steps that tell whose fault they are.

use std::{fmt::Display, path::Path};

use durable::{Failure, StepError, printable};
use serde::{Deserialize, Serialize};

/// Which side of the backup failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Fault {
    /// A file of the source cannot be read; other files may be fine.
    Source,
    /// The target cannot be written; every file would meet the same.
    Target,
}

impl Fault {
    /// An error that says what went wrong with which path.
    pub fn at(self, path: impl Display, why: impl Display) -> StepError {
        let path = path.to_string();
        StepError::new(format!("{}: {why}", printable(&path))).details(&self)
    }

    /// The side that a failure blames, if it came from [`at`](Self::at).
    pub fn of(failure: &Failure) -> Option<Self> {
        failure.details().ok().flatten()
    }
}

/// The error for a path of the target that could not be written.
pub fn target<E: Display>(path: &Path) -> impl Fn(E) -> StepError + use<'_, E> {
    move |error| Fault::Target.at(path.display(), error)
}
