//! Code that does not fit a journal, in words people can act on.

use std::fmt;

use crate::journal::{Event, StepId};

/// Why a run cannot go on with this build: what was recorded, what the code attempted, where, and what
/// to do. Nothing is lost: the run is parked until a build that fits takes it up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Nondeterminism {
    recorded: String,
    attempted: String,
    source: String,
    advice: &'static str,
}

const FITTING_BUILD: &str = "restore the code that recorded this, or deploy a build that still \
    performs these operations in this order; the run goes on by itself when a worker with such a \
    build starts";

impl Nondeterminism {
    /// The code does not ask for what was recorded.
    pub(crate) fn not_asked(
        position: u32,
        event: &Event,
        attempted: String,
        source: String,
    ) -> Self {
        Self {
            recorded: describe(position, event),
            attempted,
            source,
            advice: FITTING_BUILD,
        }
    }

    /// A recorded value does not decode into the type the code expects.
    pub(crate) fn undecodable(step: &StepId, error: &dyn fmt::Display, source: String) -> Self {
        Self {
            recorded: format!("a value for `{step}`"),
            attempted: format!("to read it: {error}"),
            source,
            advice: "make the type read what earlier builds wrote, for example with \
                `#[serde(default)]` on new fields; the run goes on by itself when a worker with such \
                a build starts",
        }
    }

    /// A step may have had its effect, and its compensation can only undo one that has completed.
    pub(crate) fn unknown_outcome(
        step: &StepId,
        attempt: u32,
        compensation: &str,
        source: String,
    ) -> Self {
        Self {
            recorded: format!(
                "attempt {attempt} of `{step}`, which was cut off: its effect may have happened, and \
                 its output is unknown"
            ),
            attempted: format!(
                "to undo it with `{compensation}`, which takes an output and no `durable::Outcome`"
            ),
            source,
            advice: "let the compensation take a `durable::Outcome<T>` in place of the `T`, and find \
                out by the idempotency key what was done; the rollback goes on by itself when a worker \
                with such a build starts; or settle it by hand and abandon the rollback",
        }
    }

    /// The body awaited something that is not durable.
    pub(crate) fn foreign_await(source: String) -> Self {
        Self {
            recorded: "nothing that is still outstanding".to_owned(),
            attempted:
                "to wait for something that is not a durable operation, so nothing recorded \
                could ever wake it"
                    .to_owned(),
            source,
            advice: "await I/O, timers and channels inside `ctx.step(..)`, and sleep with \
                `ctx.sleep(..)`",
        }
    }

    /// The body, or its input, failed in a way that only other code can mend.
    pub(crate) fn broken(attempted: String, source: String) -> Self {
        Self {
            recorded: "a run in good order".to_owned(),
            attempted,
            source,
            advice: "mend the code; the run goes on from its journal when a worker with the new \
                build starts",
        }
    }
}

impl fmt::Display for Nondeterminism {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "recorded: {}; attempted: {}; where: {}; what to do: {}",
            self.recorded, self.attempted, self.source, self.advice
        )
    }
}

impl std::error::Error for Nondeterminism {}

/// One event in words: ``step_completed of `charge` at position 3``.
pub(crate) fn describe(position: u32, event: &Event) -> String {
    match &event.step {
        Some(step) => format!("{} of `{step}` at position {position}", event.kind.name()),
        None => format!("{} at position {position}", event.kind.name()),
    }
}
