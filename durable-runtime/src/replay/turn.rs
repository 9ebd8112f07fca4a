//! The contract between a machine and the shell that drives it.
//!
//! The shell holds what the machine must not know: the futures of user code, the clock, the database. The
//! machine knows what is to happen, and in which order. Whenever something reaches the run the shell goes
//! through a *round*: it [reports](super::Machine::report) what has come, asks for [turn](super::Machine::turn) after turn,
//! and does what each one says, until it is told to rest or to leave. The order is the machine's own affair;
//! a shell that asks once more than it has to does no harm.
//!
//! ```text
//!                        ┌─────────────────────────────────────────────────────────┐
//!                        ▼                                                         │ round after round
//!   ┌─ working ── settle ──► Begin ──► Poll… ──► deliver one event ──► Poll… ──► … ─┤ until nothing moves
//!   │     │                                                                        │
//!   │     └─ canceled or failed: Cancel ─► Poll ─► Drop ─► Compensate ─► Poll… ─► … ┘
//!   ▼
//! writing ──► Commit, when there is something to write and no other commit is in flight
//!   │
//!   ├─ the commit keeps the run ──────────► Rest ──► (something comes) ──► working
//!   └─ the commit lets go of the run ─► leaving: Rest, until it is
//!                                          ├─ durable ──► Leave
//!                                          └─ refused ──► working: the run is parked
//! ```
//!
//! What holds in every state:
//!
//! - Before the body is polled first, what came from outside was looked at: a cancellation finds it not begun.
//! - The body is polled until nothing wakes it, then one event is delivered, and so on.
//! - User code is there at most once: the body, or after it one compensation at a time.
//! - While a commit that lets go of the run is in flight, nothing moves.

use std::sync::atomic::AtomicBool;

use super::{Compensate, Residency, Resolution};
use crate::{
    journal::Timestamp,
    record::{Commit, Mail},
};

/// What the shell does next for a run.
#[derive(Debug)]
pub enum Turn {
    /// Make the body's future from the run's input. So many events are recorded.
    Begin {
        /// How many events the journal had when the run was loaded.
        recorded: u32,
    },
    /// Poll the user code that is there once.
    Poll {
        /// Whether it does again what it has done before: nobody is to hear of it.
        silently: bool,
    },
    /// Tell the step bodies in flight that the run is canceled.
    Cancel,
    /// Drop the user code that is there.
    Drop,
    /// Make the future of this compensation.
    Compensate(Compensate),
    /// Have this written, and report what became of it.
    Commit(Commit),
    /// The round is over.
    Rest(Resting),
    /// The run has left memory, as its last commit said.
    Leave,
}

/// What is so until something reaches the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Resting {
    /// When the next round is due, whatever comes until then.
    pub wake: Option<Timestamp>,
    /// Whether user code or a commit is in flight.
    pub is_busy: bool,
    /// Whether there is user code to be polled when it is woken.
    pub listens: bool,
    /// Whether the next round is due at once, after others had their turn.
    pub goes_on: bool,
}

/// What the shell tells a machine.
#[derive(Debug)]
pub enum Report {
    /// The commit that was handed out last is durable.
    Committed {
        /// How many events it had.
        events: usize,
    },
    /// The commit that was handed out last will never be durable, for this reason: nothing of it was written.
    Refused(String),
    /// Mail has come. Mail that was reported before is ignored.
    Mail(Mail),
    /// The run cannot go on here, for this reason.
    Parked(String),
    /// The user code that was polled has ended, and is dropped. A compensation gives any value.
    Ended(Resolution),
    /// The user code cannot be run, or panicked, and is dropped: what was attempted.
    Broken(String),
}

/// How things are when a turn is asked for.
#[derive(Debug, Clone, Copy)]
pub struct Moment<'s> {
    /// The time. A machine's time never runs backwards.
    pub now: Timestamp,
    /// Whether bodies of steps and compensations may start: not on a worker that shuts down, or whose lease
    /// may have ended.
    pub may_start: bool,
    /// How long a run that only waits stays in memory.
    pub residency: Residency,
    /// Whether the user code that is there was woken since it was polled last. A waker sets it, at any time.
    pub woken: &'s AtomicBool,
    /// Whether a step body has asked to be told of a cancellation.
    pub is_cancel_awaited: bool,
}
