//! What each kind of operation does in a replay, a file for each: what it asks for, which events are its own,
//! how each of them changes it, what settles it, and what becomes of it when nobody waits for it any more.
//!
//! The rest of the core knows an operation by its [`Work`] alone. A new one is a file here.

mod child;
mod signal;
mod sleep;
mod step;
mod work;

pub use child::ChildWork;
pub use signal::SignalWork;
pub use sleep::{Due, SleepWork};
pub use step::{StepPoll, StepWork};
pub use work::{Begun, Place, Work};
