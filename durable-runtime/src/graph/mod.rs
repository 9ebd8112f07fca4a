//! What the compiler saw: the static graph of a workflow. It knows no code.

mod body;
mod draw;
mod fingerprint;
mod lock;
mod lookup;
mod node;
mod outline;
#[cfg(test)]
mod sample;
mod written;

pub use body::Body;
pub use fingerprint::Fingerprint;
pub use lock::{Class, Difference, Lock, LockError};
pub use lookup::Located;
pub use node::{Arm, Graph, Node, Operation, OperationKind, ParallelKind};
pub use written::BrokenGraph;
pub(crate) use written::head;
#[doc(hidden)]
pub use written::{FragmentText, Scopes};
