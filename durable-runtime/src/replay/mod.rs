//! The pure core: what a run does next, given its journal and what reached it since.
//!
//! A [`Machine`] is handed a run's journal, mail and the time, and answers every durable operation of
//! the body with a recorded value, *execute attempt n*, or *wait*. What changes comes out as one
//! [`Commit`](crate::record::Commit). It is synchronous and reads no clock, no randomness and no
//! database: the same inputs give the same outputs, which is what replay rests on.
//!
//! Invariants:
//!
//! - Events are delivered to the body in journal order, one at a time, and the body is polled to
//!   quiescence after each, live and on replay alike.
//! - A new event is delivered as soon as it is proposed, but no step body starts before every event
//!   is durable, so nothing the world can see runs ahead of the journal.
//! - No step body starts before the whole recorded journal has been delivered.
//! - From a cancellation or a failure on, the journal alone ([`Ledger`]) drives the rollback.

mod blueprint;
mod commit;
mod deliver;
mod drive;
mod ledger;
mod machine;
mod mailbox;
mod nondeterminism;
mod operation;
mod operations;
#[cfg(debug_assertions)]
mod recount;
mod rollback;
mod settle;
#[cfg(test)]
mod tests;
pub mod turn;

pub use blueprint::{Blueprint, UndoRule};
pub use ledger::Ledger;
pub use machine::{Identity, Machine, MachineLimits, Residency};
pub use nondeterminism::Nondeterminism;
pub use operation::{OperationIndex, Resolution};
pub use operations::*;
pub use rollback::Compensate;
use rollback::RollbackStep;
pub use turn::{Moment, Report, Resting, Turn};
