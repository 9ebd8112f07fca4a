//! The life of a run: its statuses and the legal transitions between them.
//!
//! [`TRANSITIONS`] says which changes there are. In debug builds, and so in tests, every commit of a run and
//! every write of a status to SQLite and to memory is held against it, and in the conformance suite every write to
//! PostgreSQL, by a trigger.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Where a run stands.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Status {
    /// Accepted and durable; no worker has taken it yet.
    Pending,
    /// A worker is executing it.
    Running,
    /// It waits for a timer, a signal, a child or the next attempt of a step.
    Suspended,
    /// It failed or was canceled, and its completed steps are being compensated.
    Compensating,
    /// It returned a value.
    Completed,
    /// It failed; its compensations are done.
    Failed,
    /// It was canceled; its compensations are done. (Canceled with steps that were not undone is `failed`.)
    Canceled,
    /// Reserved: in this version no run is ever paused.
    Paused,
    /// It cannot go on without a fitting build or a person; the reason is in its row.
    Parked,
}

/// A named change of status.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[non_exhaustive]
pub struct Transition {
    /// What the change is called: `begin`, `suspend`, `complete`.
    pub name: &'static str,
    /// The statuses it may start from.
    pub from: &'static [Status],
    /// The status it leads to.
    pub to: Status,
    /// Whether a client can ask for it; all others are the engine's own.
    pub by_client: bool,
}

/// Every change of status that the row of a run may see from one commit to the next. Those to and from
/// [`Status::Paused`] are reserved, as it is: no run of this version makes them.
pub const TRANSITIONS: &[Transition] = {
    use Status::{
        Canceled, Compensating, Completed, Failed, Parked, Paused, Pending, Running, Suspended,
    };
    &[
        Transition {
            name: "begin",
            from: &[Pending],
            to: Running,
            by_client: false,
        },
        // A child that was started for the worker of its parent, which does not have its workflow.
        Transition {
            name: "give_back",
            from: &[Running],
            to: Pending,
            by_client: false,
        },
        Transition {
            name: "suspend",
            from: &[Running],
            to: Suspended,
            by_client: false,
        },
        Transition {
            name: "wake",
            from: &[Suspended],
            to: Running,
            by_client: false,
        },
        Transition {
            name: "complete",
            from: &[Running, Suspended],
            to: Completed,
            by_client: false,
        },
        Transition {
            name: "roll_back",
            from: &[Pending, Running, Suspended, Parked],
            to: Compensating,
            by_client: true,
        },
        Transition {
            name: "fail",
            from: &[Running, Suspended, Compensating],
            to: Failed,
            by_client: false,
        },
        Transition {
            name: "cancel",
            from: &[Pending, Running, Suspended, Compensating, Parked],
            to: Canceled,
            by_client: true,
        },
        Transition {
            name: "park",
            from: &[Pending, Running, Suspended, Compensating],
            to: Parked,
            by_client: false,
        },
        Transition {
            name: "revive",
            from: &[Parked],
            to: Running,
            by_client: false,
        },
        Transition {
            name: "pause",
            from: &[Pending, Running, Suspended],
            to: Paused,
            by_client: false,
        },
        Transition {
            name: "resume",
            from: &[Paused],
            to: Running,
            by_client: false,
        },
    ]
};

impl Status {
    /// Every status, in the order of its number.
    pub const ALL: [Self; 9] = [
        Self::Pending,
        Self::Running,
        Self::Suspended,
        Self::Compensating,
        Self::Completed,
        Self::Failed,
        Self::Canceled,
        Self::Paused,
        Self::Parked,
    ];

    /// The number that stands for this status in a store. Numbers are never reused.
    pub const fn code(self) -> i64 {
        self as i64
    }

    /// The status with this number.
    pub fn from_code(code: i64) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.code() == code)
    }

    /// The name people read, in snake case.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Running => "running",
            Self::Suspended => "suspended",
            Self::Compensating => "compensating",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Canceled => "canceled",
            Self::Paused => "paused",
            Self::Parked => "parked",
        }
    }

    /// Whether the run has ended.
    pub const fn is_terminal(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Canceled)
    }

    /// What a claim makes of it.
    pub(crate) const fn claimed(self) -> Self {
        match self {
            Self::Pending | Self::Parked => Self::Running,
            other => other,
        }
    }

    /// The transitions that may leave this status.
    pub fn available_transitions(self) -> impl Iterator<Item = &'static Transition> {
        TRANSITIONS
            .iter()
            .filter(move |transition| transition.from.contains(&self))
    }

    /// Whether one transition leads from here to `to`; staying is always legal.
    pub fn may_become(self, to: Self) -> bool {
        self == to
            || self
                .available_transitions()
                .any(|transition| transition.to == to)
    }
}

/// Every change of status that may be, as pairs of numbers for SQL: `(0,1),(1,2)`.
#[cfg(all(debug_assertions, feature = "sqlite"))]
pub(crate) fn changes() -> String {
    let changes = TRANSITIONS.iter().flat_map(|transition| {
        let from = transition.from.iter();
        from.map(|from| format!("({},{})", from.code(), transition.to.code()))
    });
    changes.collect::<Vec<_>>().join(",")
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_leaves_a_terminal_status_and_everything_else_can_end() {
        for status in Status::ALL {
            let leaves = status.available_transitions().count();
            assert_eq!(status.is_terminal(), leaves == 0, "{status}");
        }
    }

    #[test]
    fn numbers_and_names_read_back() {
        for status in Status::ALL {
            assert_eq!(Status::from_code(status.code()), Some(status));
        }
        assert_eq!(Status::from_code(99), None);
    }
}
