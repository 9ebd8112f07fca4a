//! The events of a journal and their stable encoding.

use serde::{Deserialize, Serialize};

use super::{Payload, RunId, StepId, Timestamp};
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

/// What can happen to a run.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum EventKind {
    /// A step's body returned a value.
    StepCompleted {
        /// The value.
        output: Payload,
    },
    /// An attempt of a step failed; another one follows.
    StepAttemptFailed {
        /// Which attempt, from 1.
        attempt: u32,
        /// Why.
        failure: Failure,
        /// When the next attempt may start.
        retry_at: Timestamp,
    },
    /// A step failed for good.
    StepFailed {
        /// Why, with the number of attempts.
        failure: Failure,
    },
    /// An attempt of a step with a compensation is about to begin. A second one with no end in between
    /// says that it was made again, since a crash cut it off.
    StepStarted {
        /// Which attempt, from 1.
        attempt: u32,
    },
    /// An attempt of a step with a compensation was cut off for good: whether it had its effect is not
    /// known.
    StepInterrupted {
        /// Which attempt, from 1.
        attempt: u32,
    },
    /// A timer was armed.
    TimerArmed {
        /// When it is due.
        due: Timestamp,
    },
    /// A timer fired; for a signal, its timeout passed first.
    TimerFired,
    /// The run began to wait for a signal that had not come yet.
    SignalAwaited {
        /// When the wait gives up, if it has a timeout.
        due: Option<Timestamp>,
    },
    /// A signal was taken from the mailbox.
    SignalReceived {
        /// What the sender sent.
        payload: Payload,
    },
    /// A child run was started, in the same commit.
    ChildStarted {
        /// Its id.
        child: RunId,
    },
    /// A child run completed.
    ChildCompleted {
        /// Its result.
        output: Payload,
    },
    /// A child run failed, or was canceled.
    ChildFailed {
        /// Why.
        failure: Failure,
    },
    /// A child run was asked to cancel, because nobody waits for it any more.
    ChildCanceled,
    /// Somebody asked for the run to be canceled: its body does not run on.
    CancelRequested,
    /// The run failed and its completed steps are being compensated.
    RollbackStarted {
        /// Why the run failed.
        failure: Failure,
    },
    /// An attempt of a step's compensation is about to begin.
    CompensationStarted {
        /// Which attempt, from 1.
        attempt: u32,
    },
    /// A step's compensation is done.
    Compensated,
    /// An attempt of a compensation failed; another one follows.
    CompensationAttemptFailed {
        /// Which attempt, from 1.
        attempt: u32,
        /// Why.
        failure: Failure,
        /// When the next attempt may start.
        retry_at: Timestamp,
    },
    /// A step's compensation failed for good.
    CompensationFailed {
        /// Why, with the number of attempts.
        failure: Failure,
    },
    /// Somebody asked for the rollback to be abandoned: nothing more is undone.
    RollbackAbandoned,
    /// The run completed. Nothing follows.
    Completed {
        /// Its result.
        output: Payload,
    },
    /// The run failed. Nothing follows.
    Failed {
        /// Why.
        failure: Failure,
    },
    /// The run was canceled and its compensations are done. Nothing follows.
    Canceled,
}

/// The JSON of a failed attempt.
#[derive(Serialize, Deserialize)]
struct Attempt {
    attempt: u32,
    retry_at: Timestamp,
    failure: Failure,
}

/// A recorded event that this version cannot read.
#[derive(Debug, Clone, thiserror::Error)]
#[error("journal event of kind {code} cannot be read: {reason}")]
pub struct UnknownEvent {
    code: i64,
    reason: String,
}

/// An event's data as a store kept it.
struct Recorded {
    code: i64,
    data: Option<Payload>,
}

impl Recorded {
    fn bad(&self, reason: impl ToString) -> UnknownEvent {
        UnknownEvent {
            code: self.code,
            reason: reason.to_string(),
        }
    }

    fn payload(&self) -> Result<Payload, UnknownEvent> {
        self.data
            .clone()
            .ok_or_else(|| self.bad("its data is missing"))
    }

    fn read<T: serde::de::DeserializeOwned>(&self) -> Result<T, UnknownEvent> {
        self.payload()?.decode().map_err(|error| self.bad(error))
    }
}

impl EventKind {
    /// The number that stands for this kind in a store. Numbers are never reused.
    pub fn code(&self) -> i64 {
        match self {
            Self::StepCompleted { .. } => 1,
            Self::StepAttemptFailed { .. } => 2,
            Self::StepFailed { .. } => 3,
            Self::TimerArmed { .. } => 4,
            Self::TimerFired => 5,
            Self::SignalAwaited { .. } => 6,
            Self::SignalReceived { .. } => 7,
            Self::ChildStarted { .. } => 8,
            Self::ChildCompleted { .. } => 9,
            Self::ChildFailed { .. } => 10,
            Self::ChildCanceled => 11,
            Self::CancelRequested => 12,
            Self::RollbackStarted { .. } => 13,
            Self::Compensated => 14,
            Self::CompensationAttemptFailed { .. } => 15,
            Self::CompensationFailed { .. } => 16,
            Self::Completed { .. } => 17,
            Self::Failed { .. } => 18,
            Self::Canceled => 19,
            Self::StepStarted { .. } => 20,
            Self::StepInterrupted { .. } => 21,
            Self::CompensationStarted { .. } => 22,
            Self::RollbackAbandoned => 23,
        }
    }

    /// The name people read: `step_completed`, `timer_fired`.
    pub fn name(&self) -> &'static str {
        Self::NAMES
            .iter()
            .find(|(code, _)| *code == self.code())
            .map_or("unknown", |(_, name)| name)
    }

    /// Every kind's number and name, for views and documents.
    pub const NAMES: &'static [(i64, &'static str)] = &[
        (1, "step_completed"),
        (2, "step_attempt_failed"),
        (3, "step_failed"),
        (4, "timer_armed"),
        (5, "timer_fired"),
        (6, "signal_awaited"),
        (7, "signal_received"),
        (8, "child_started"),
        (9, "child_completed"),
        (10, "child_failed"),
        (11, "child_canceled"),
        (12, "cancel_requested"),
        (13, "rollback_started"),
        (14, "compensated"),
        (15, "compensation_attempt_failed"),
        (16, "compensation_failed"),
        (17, "completed"),
        (18, "failed"),
        (19, "canceled"),
        (20, "step_started"),
        (21, "step_interrupted"),
        (22, "compensation_started"),
        (23, "rollback_abandoned"),
    ];

    /// The kind's data as a store keeps it: the payload itself, or a small JSON value.
    pub fn encode(&self) -> Option<Payload> {
        match self {
            Self::StepCompleted { output }
            | Self::ChildCompleted { output }
            | Self::Completed { output } => Some(output.clone()),
            Self::SignalReceived { payload } => Some(payload.clone()),
            Self::StepAttemptFailed {
                attempt,
                failure,
                retry_at,
            }
            | Self::CompensationAttemptFailed {
                attempt,
                failure,
                retry_at,
            } => json(&Attempt {
                attempt: *attempt,
                retry_at: *retry_at,
                failure: failure.clone(),
            }),
            Self::StepFailed { failure }
            | Self::ChildFailed { failure }
            | Self::RollbackStarted { failure }
            | Self::CompensationFailed { failure }
            | Self::Failed { failure } => json(failure),
            Self::StepStarted { attempt }
            | Self::StepInterrupted { attempt }
            | Self::CompensationStarted { attempt } => json(attempt),
            Self::TimerArmed { due } => json(due),
            Self::SignalAwaited { due } => due.as_ref().and_then(json),
            Self::ChildStarted { child } => json(child),
            Self::TimerFired
            | Self::ChildCanceled
            | Self::CancelRequested
            | Self::Compensated
            | Self::RollbackAbandoned
            | Self::Canceled => None,
        }
    }

    /// How many bytes of a user's data it holds.
    pub(crate) fn payload_bytes(&self) -> usize {
        match self {
            Self::StepCompleted { output }
            | Self::ChildCompleted { output }
            | Self::Completed { output } => output.len(),
            Self::SignalReceived { payload } => payload.len(),
            // Failures and times: small.
            _ => 0,
        }
    }

    /// The kind from what [`code`](Self::code) and [`encode`](Self::encode) gave.
    ///
    /// # Errors
    ///
    /// [`UnknownEvent`] when the number is not one of this version's, or the data does not fit it.
    /// Nothing is ever skipped or guessed.
    pub fn decode(code: i64, data: Option<Payload>) -> Result<Self, UnknownEvent> {
        let data = Recorded { code, data };
        Ok(match code {
            1 => Self::StepCompleted {
                output: data.payload()?,
            },
            2 => {
                let Attempt {
                    attempt,
                    retry_at,
                    failure,
                } = data.read()?;
                Self::StepAttemptFailed {
                    attempt,
                    failure,
                    retry_at,
                }
            }
            3 => Self::StepFailed {
                failure: data.read()?,
            },
            4 => Self::TimerArmed { due: data.read()? },
            5 => Self::TimerFired,
            6 if data.data.is_none() => Self::SignalAwaited { due: None },
            6 => Self::SignalAwaited { due: data.read()? },
            7 => Self::SignalReceived {
                payload: data.payload()?,
            },
            8 => Self::ChildStarted {
                child: data.read()?,
            },
            9 => Self::ChildCompleted {
                output: data.payload()?,
            },
            10 => Self::ChildFailed {
                failure: data.read()?,
            },
            11 => Self::ChildCanceled,
            12 => Self::CancelRequested,
            13 => Self::RollbackStarted {
                failure: data.read()?,
            },
            14 => Self::Compensated,
            15 => {
                let Attempt {
                    attempt,
                    retry_at,
                    failure,
                } = data.read()?;
                Self::CompensationAttemptFailed {
                    attempt,
                    failure,
                    retry_at,
                }
            }
            16 => Self::CompensationFailed {
                failure: data.read()?,
            },
            17 => Self::Completed {
                output: data.payload()?,
            },
            18 => Self::Failed {
                failure: data.read()?,
            },
            19 => Self::Canceled,
            20..=22 => Self::of_attempt(code, data.read()?),
            23 => Self::RollbackAbandoned,
            _ => return Err(data.bad("the kind is not known to this version of the code")),
        })
    }

    /// The kind of an event that has the number of an attempt and no more.
    fn of_attempt(code: i64, attempt: u32) -> Self {
        match code {
            20 => Self::StepStarted { attempt },
            21 => Self::StepInterrupted { attempt },
            _ => Self::CompensationStarted { attempt },
        }
    }

    /// Whether the run is being rolled back from here on.
    pub(crate) fn begins_rollback(&self) -> bool {
        matches!(self, Self::CancelRequested | Self::RollbackStarted { .. })
    }

    /// Whether nothing can follow.
    pub fn is_terminal(&self) -> bool {
        matches!(
            self,
            Self::Completed { .. } | Self::Failed { .. } | Self::Canceled
        )
    }
}

/// Encodes engine-owned data, which always has a JSON form.
fn json<T: Serialize>(value: &T) -> Option<Payload> {
    Payload::encode(value).ok()
}
