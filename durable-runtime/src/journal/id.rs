//! Identities: of runs, steps, workers and mail.

use std::{borrow::Cow, fmt, str::FromStr, sync::Arc};

use serde::{Deserialize, Serialize};

/// The id of a run, chosen by whoever starts it: 1 to 200 bytes, no control characters and no `/`,
/// which separates a parent's id from the step that started a child (`order-42/parcel`).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RunId(Arc<str>);

impl RunId {
    /// The most bytes an id chosen by a user may have.
    pub const MAX_LEN: usize = 200;

    /// Checks and takes an id.
    ///
    /// # Errors
    ///
    /// [`InvalidRunId`] when the id is empty, too long, or has a control character or a `/`.
    pub fn new(id: impl AsRef<str>) -> Result<Self, InvalidRunId> {
        let id = id.as_ref();
        let reason = if id.is_empty() {
            "it is empty"
        } else if id.len() > Self::MAX_LEN {
            "it is longer than 200 bytes"
        } else if id.chars().any(char::is_control) {
            "it contains a control character"
        } else if id.contains('/') {
            "it contains `/`, which is reserved for the ids of child runs"
        } else {
            return Ok(Self(id.into()));
        };
        Err(InvalidRunId {
            id: id.chars().take(40).collect(),
            reason,
        })
    }

    /// The id of the child that `step` of this run starts.
    #[must_use]
    pub fn child(&self, step: &StepId) -> Self {
        Self(format!("{}/{step}", self.0).into())
    }

    /// An id as a store recorded it.
    pub fn from_recorded(id: &str) -> Self {
        Self(id.into())
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl AsRef<str> for RunId {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", &self.0)
    }
}

impl FromStr for RunId {
    type Err = InvalidRunId;

    fn from_str(id: &str) -> Result<Self, InvalidRunId> {
        Self::new(id)
    }
}

/// An id that no run may have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("run id {id:?} is not valid: {reason}")]
pub struct InvalidRunId {
    id: String,
    reason: &'static str,
}

macro_rules! numeric_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(i64);

        impl $name {
            /// The id with this number.
            pub const fn new(number: i64) -> Self {
                Self(number)
            }

            /// The number.
            pub const fn get(self) -> i64 {
                self.0
            }
        }
    };
}

numeric_id! {
    /// The store's own number of a run: small, and what every statement is keyed by.
    RunKey
}
numeric_id! {
    /// The number of a worker process, given out by the store.
    WorkerId
}
numeric_id! {
    /// How often a run has been claimed. Every write of a run carries the epoch of its claim, and a
    /// store refuses a write whose epoch is not the run's current one.
    Epoch
}
numeric_id! {
    /// The number of a piece of mail; it grows with each arrival at one run.
    MailId
}

/// The identity of one durable operation of a run: its name, the scope it is in, and how often the
/// name was used before. Reads `charge`, `charge#1`, `billing/charge`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct StepId(Cow<'static, str>);

impl StepId {
    /// The identity of use number `occurrence` (from zero) of `name` in `scope` (empty outside any).
    pub fn new(scope: &str, name: &'static str, occurrence: u32) -> Self {
        match (scope, occurrence) {
            ("", 0) => Self(Cow::Borrowed(name)),
            ("", n) => Self(Cow::Owned(format!("{name}#{n}"))),
            (scope, 0) => Self(Cow::Owned(format!("{scope}/{name}"))),
            (scope, n) => Self(Cow::Owned(format!("{scope}/{name}#{n}"))),
        }
    }

    /// An identity as a store recorded it.
    pub fn from_recorded(id: impl Into<String>) -> Self {
        Self(Cow::Owned(id.into()))
    }

    /// The whole identity as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The identity without its occurrence: `billing/charge` of `billing/charge#3`.
    pub fn path(&self) -> &str {
        self.0.split_once('#').map_or(&self.0, |(path, _)| path)
    }

    /// The name alone: `charge` of `billing/charge#3`.
    pub fn name(&self) -> &str {
        let path = self.path();
        path.rsplit_once('/').map_or(path, |(_, name)| name)
    }

    /// How often the name was used before: `3` of `billing/charge#3`.
    pub fn occurrence(&self) -> u32 {
        self.0
            .split_once('#')
            .and_then(|(_, n)| n.parse().ok())
            .unwrap_or(0)
    }
}

impl fmt::Display for StepId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for StepId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", &self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_id_is_refused_with_its_reason() {
        for (id, reason) in [("", "empty"), ("a\nb", "control"), ("a/b", "reserved")] {
            let error = RunId::new(id).unwrap_err().to_string();
            assert!(error.contains(reason), "{error}");
        }
        assert!(
            RunId::new("x".repeat(201))
                .unwrap_err()
                .to_string()
                .contains("200 bytes")
        );
        assert_eq!(RunId::new("order-42").unwrap().as_str(), "order-42");
        assert_eq!(RunId::new("ß€ 😀").unwrap().as_str(), "ß€ 😀");
    }

    #[test]
    fn a_step_id_reads_back_into_its_parts() {
        let id = StepId::new("billing", "charge", 3);
        assert_eq!(id.as_str(), "billing/charge#3");
        assert_eq!((id.path(), id.occurrence()), ("billing/charge", 3));
        assert_eq!(
            StepId::new("", "charge", 0),
            StepId::from_recorded("charge")
        );
    }
}
