//! The events of a journal: a row for each kind. All that is known of a kind, and how it is written, follows from
//! its row.

use serde::ser::SerializeMap;

use super::{
    Payload, RunId, StepId, Timestamp,
    data::{Data, Fields, FieldsRef},
};
use crate::failure::Failure;

/// One entry of a run's journal. Its position is its index in the journal, from zero.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// When the worker recorded it.
    pub at: Timestamp,
    /// The operation it belongs to; `None` for events of the run as a whole.
    pub step: Option<StepId>,
    /// What happened.
    pub kind: EventKind,
}

/// What a row says of a kind besides its data.
struct Row {
    /// The number that stands for it in a store. Numbers are never used again.
    code: i64,
    /// The name people read, for ever.
    name: &'static str,
    of: Owner,
}

/// Whose events a kind's are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Owner {
    /// An operation of one of the kinds with these nouns.
    Operation(&'static [&'static str]),
    /// The compensation of an operation.
    Compensation,
    /// The run as a whole.
    Run,
    /// The run as a whole, and nothing follows.
    End,
}

impl Owner {
    /// Whether it is an operation of the kind with this noun.
    pub(crate) fn is_operation(self, noun: &str) -> bool {
        matches!(self, Self::Operation(nouns) if nouns.contains(&noun))
    }
}

/// Makes the enum of the rows, and what leads from a kind to its row, to its data and back.
macro_rules! event_kinds {
    ($(
        $(#[$doc:meta])*
        $kind:ident $({ $($(#[$field_doc:meta])* $field:ident: $type:ty,)+ })?
            => $code:literal, $name:literal, $owner:expr;
    )+) => {
        /// What can happen to a run.
        #[derive(Debug, Clone, PartialEq)]
        #[non_exhaustive]
        pub enum EventKind {
            $($(#[$doc])* $kind $({ $($(#[$field_doc])* $field: $type,)+ })?,)+
        }

        impl EventKind {
            /// Every kind's number and name, for views and documents.
            pub const NAMES: &'static [(i64, &'static str)] = &[$(($code, $name)),+];

            /// Whose events there are.
            #[cfg(test)]
            pub(crate) const OWNERS: &'static [Owner] = &[$($owner),+];

            fn row(&self) -> &'static Row {
                match self {
                    $(Self::$kind $({ $($field: _),+ })? => &Row {
                        code: $code,
                        name: $name,
                        of: $owner,
                    },)+
                }
            }

            /// The kind's data as a store keeps it: the payload itself, or a small JSON value.
            pub fn encode(&self) -> Option<Payload> {
                match self {
                    $(Self::$kind $({ $($field),+ })? => ($($($field,)+)?).encode(),)+
                }
            }

            /// The kind from what [`code`](Self::code) and [`encode`](Self::encode) gave.
            ///
            /// # Errors
            ///
            /// [`UnknownEvent`] when the number is not one of this version's, or the data does not fit it.
            /// Nothing is ever skipped or guessed.
            pub fn decode(code: i64, data: Option<Payload>) -> Result<Self, UnknownEvent> {
                let bad = |reason| UnknownEvent { code, reason };
                Ok(match code {
                    $($code => {
                        let ($($($field,)+)?) = Fields::decode(data).map_err(bad)?;
                        Self::$kind $({ $($field),+ })?
                    })+
                    _ => return Err(bad("the kind is not known to this version of the code".into())),
                })
            }

            /// How many bytes of a user's data it holds.
            pub(crate) fn payload_bytes(&self) -> usize {
                match self {
                    $(Self::$kind $({ $($field),+ })? => 0 $($(+ $field.payload_bytes())+)?,)+
                }
            }

            /// Each part of its data by its name, for people.
            pub(super) fn show<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error> {
                match self {
                    $(Self::$kind $({ $($field),+ })? => {
                        $($(map.serialize_entry(stringify!($field), &$field.shown())?;)+)?
                    })+
                }
                Ok(())
            }
        }
    };
}

const STEP: Owner = Owner::Operation(&["step"]);
const SLEEP: Owner = Owner::Operation(&["sleep"]);
const SLEEP_OR_SIGNAL: Owner = Owner::Operation(&["sleep", "signal"]);
const SIGNAL: Owner = Owner::Operation(&["signal"]);
const CHILD: Owner = Owner::Operation(&["child"]);

// A new kind is a row at the end, with the next number. What a row says of number, name and data never
// changes.
event_kinds! {
    /// A step's body returned a value.
    StepCompleted {
        /// The value.
        output: Payload,
    } => 1, "step_completed", STEP;

    /// An attempt of a step failed; another one follows.
    StepAttemptFailed {
        /// Which attempt, from 1.
        attempt: u32,
        /// Why.
        failure: Failure,
        /// When the next attempt may start.
        retry_at: Timestamp,
    } => 2, "step_attempt_failed", STEP;

    /// A step failed for good.
    StepFailed {
        /// Why, with the number of attempts.
        failure: Failure,
    } => 3, "step_failed", STEP;

    /// A timer was armed.
    TimerArmed {
        /// When it is due.
        due: Timestamp,
    } => 4, "timer_armed", SLEEP;

    /// A timer fired; for a signal, its timeout passed first.
    TimerFired => 5, "timer_fired", SLEEP_OR_SIGNAL;

    /// The run began to wait for a signal that had not come yet.
    SignalAwaited {
        /// When the wait gives up, if it has a timeout.
        due: Option<Timestamp>,
    } => 6, "signal_awaited", SIGNAL;

    /// A signal was taken from the mailbox.
    SignalReceived {
        /// What the sender sent.
        payload: Payload,
    } => 7, "signal_received", SIGNAL;

    /// A child run was started, in the same commit.
    ChildStarted {
        /// Its id.
        child: RunId,
    } => 8, "child_started", CHILD;

    /// A child run completed.
    ChildCompleted {
        /// Its result.
        output: Payload,
    } => 9, "child_completed", CHILD;

    /// A child run failed, or was canceled.
    ChildFailed {
        /// Why.
        failure: Failure,
    } => 10, "child_failed", CHILD;

    /// A child run was asked to cancel, because nobody waits for it any more.
    ChildCanceled => 11, "child_canceled", CHILD;

    /// Somebody asked for the run to be canceled: its body does not run on.
    CancelRequested => 12, "cancel_requested", Owner::Run;

    /// The run failed and its completed steps are being compensated.
    RollbackStarted {
        /// Why the run failed.
        failure: Failure,
    } => 13, "rollback_started", Owner::Run;

    /// A step's compensation is done.
    Compensated => 14, "compensated", Owner::Compensation;

    /// An attempt of a compensation failed; another one follows.
    CompensationAttemptFailed {
        /// Which attempt, from 1.
        attempt: u32,
        /// Why.
        failure: Failure,
        /// When the next attempt may start.
        retry_at: Timestamp,
    } => 15, "compensation_attempt_failed", Owner::Compensation;

    /// A step's compensation failed for good.
    CompensationFailed {
        /// Why, with the number of attempts.
        failure: Failure,
    } => 16, "compensation_failed", Owner::Compensation;

    /// The run completed. Nothing follows.
    Completed {
        /// Its result.
        output: Payload,
    } => 17, "completed", Owner::End;

    /// The run failed. Nothing follows.
    Failed {
        /// Why.
        failure: Failure,
    } => 18, "failed", Owner::End;

    /// The run was canceled and its compensations are done. Nothing follows.
    Canceled => 19, "canceled", Owner::End;

    /// An attempt of a step with a compensation is about to begin. A second one with no end in between
    /// says that it was made again, since a crash cut it off.
    StepStarted {
        /// Which attempt, from 1.
        attempt: u32,
    } => 20, "step_started", STEP;

    /// An attempt of a step with a compensation was cut off for good: whether it had its effect is not
    /// known.
    StepInterrupted {
        /// Which attempt, from 1.
        attempt: u32,
    } => 21, "step_interrupted", STEP;

    /// An attempt of a step's compensation is about to begin.
    CompensationStarted {
        /// Which attempt, from 1.
        attempt: u32,
    } => 22, "compensation_started", Owner::Compensation;

    /// Somebody asked for the rollback to be abandoned: nothing more is undone.
    RollbackAbandoned => 23, "rollback_abandoned", Owner::Run;
}

impl EventKind {
    /// The number that stands for this kind in a store. Numbers are never reused.
    pub fn code(&self) -> i64 {
        self.row().code
    }

    /// The name people read: `step_completed`, `timer_fired`.
    pub fn name(&self) -> &'static str {
        self.row().name
    }

    /// Whose event it is.
    pub(crate) fn owner(&self) -> Owner {
        self.row().of
    }

    /// Whether the run is being rolled back from here on.
    pub(crate) fn begins_rollback(&self) -> bool {
        matches!(self, Self::CancelRequested | Self::RollbackStarted { .. })
    }

    /// Whether nothing can follow.
    pub fn is_terminal(&self) -> bool {
        self.owner() == Owner::End
    }
}

/// A recorded event that this version cannot read.
#[derive(Debug, Clone, thiserror::Error)]
#[error("journal event of kind {code} cannot be read: {reason}")]
pub struct UnknownEvent {
    code: i64,
    reason: String,
}
