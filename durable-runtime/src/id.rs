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
    /// The most bytes the id of a child may have: what every database can index. A child whose id would be
    /// longer is not started, and fails with [`FailureKind::Limit`](crate::failure::FailureKind::Limit).
    pub const CHILD_MAX_LEN: usize = 2_560;

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
    /// The number of a worker process, given out by the store and above zero. A client that has a database
    /// and no engine sends under a number below zero, which it draws itself and under which nothing is
    /// owned.
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

impl WorkerId {
    /// The number of a client that has drawn this one.
    pub(crate) fn of_client(drawn: u64) -> Self {
        Self(-1 - (drawn >> 1).cast_signed())
    }

    /// Whether it is the number of a client.
    pub fn is_client(self) -> bool {
        self.0 < 0
    }
}

/// The identity of one durable operation of a run: its name, the scope it is in, and how often the
/// name was used before. Reads `charge`, `charge#1`, `billing/charge`; a scope has occurrences of its
/// own: `billing#1/charge`.
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

    /// The identity without occurrences: `billing/charge` of `billing#1/charge#3`.
    pub fn path(&self) -> Cow<'_, str> {
        if !self.0.contains('#') {
            return Cow::Borrowed(&self.0);
        }
        Cow::Owned(self.names().collect::<Vec<_>>().join("/"))
    }

    /// The identity that this name has in the scope of this one.
    pub(crate) fn beside(&self, name: &str) -> Self {
        match self.0.rsplit_once('/') {
            Some((scope, _)) => Self::from_recorded(format!("{scope}/{name}")),
            None => Self::from_recorded(name),
        }
    }

    /// The names of the scopes, from the outermost, and then its own.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.split('/').map(|part| split_part(part).0)
    }

    /// The name alone: `charge` of `billing#1/charge#3`.
    pub fn name(&self) -> &str {
        split_part(self.split_scope().1).0
    }

    /// How often the name was used before in its scope: `3` of `billing#1/charge#3`.
    pub fn occurrence(&self) -> u32 {
        split_part(self.split_scope().1).1.parse().unwrap_or(0)
    }

    /// The same use of another name: `billing#1/debit#3` of `billing#1/charge#3`.
    #[must_use]
    pub fn renamed(&self, name: &'static str) -> Self {
        Self::new(self.split_scope().0, name, self.occurrence())
    }

    fn split_scope(&self) -> (&str, &str) {
        self.0.rsplit_once('/').unwrap_or(("", &self.0))
    }
}

/// A name and its occurrence.
fn split_part(part: &str) -> (&str, &str) {
    part.split_once('#').unwrap_or((part, ""))
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
        assert_eq!((id.name(), id.occurrence()), ("charge", 3));
        let id = StepId::new("order/billing#1", "charge", 3);
        assert_eq!(id.as_str(), "order/billing#1/charge#3");
        assert_eq!(id.path(), "order/billing/charge");
        assert_eq!((id.name(), id.occurrence()), ("charge", 3));
        assert_eq!(id.renamed("debit").as_str(), "order/billing#1/debit#3");
        assert_eq!(
            StepId::new("", "charge", 0),
            StepId::from_recorded("charge")
        );
    }
}
