//! The shell: takes runs, drives their bodies, and writes what they come to.
//!
//! A [`WorkflowTask`](workflow_task::WorkflowTask) drives one run on the user's runtime. One
//! [`Dispatcher`](dispatcher::Dispatcher) on a thread of its own does all writing: it gathers the
//! commits of all runs while one batch is in flight, claims runs that are due, fires timers and keeps
//! the worker's lease, so that blocking user code can starve none of them.
//!
//! Invariant: store and replay meet only here.

mod dispatcher;
mod ending;
mod lease;
mod life;
mod pace;
mod residents;
mod shared;
mod slot;
mod thread;
mod timers;
mod watch;
mod workflow_task;

pub(crate) use dispatcher::Request;
pub(crate) use ending::{Ending, recorded as recorded_ending};
pub(crate) use lease::Lease;
pub(crate) use shared::{Shared, Tuning};
pub(crate) use thread::WorkerThread;
