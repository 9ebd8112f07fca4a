//! The operations as user code builds and awaits them, a file for each, of the same name as in
//! `replay/operations`: the builder with its options, and its future. [`Ctx`](super::Ctx) has the methods that
//! build them.

mod builder;
mod child;
mod signal;
mod sleep;
pub(super) mod step;
mod wait;

pub use child::Child;
pub use signal::{Signal, SignalWait};
pub use sleep::Sleep;
pub use step::Step;
pub use wait::Wait;
