//! The workflows of this program: what their attributes registered at link time, checked and sorted. The one
//! room that knows both the graph of a workflow and its code.
//!
//! Invariant: only [`definition`](Definition::linked) iterates what was registered.

mod definition;
mod erase;
mod lock;
#[doc(hidden)]
pub mod private;
mod workflows;

pub use definition::{BodyFuture, Definition, Registered};
pub(crate) use erase::reread;
pub use workflows::{Registry, RegistryError};
