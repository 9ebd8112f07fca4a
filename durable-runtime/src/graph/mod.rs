//! What the compiler saw: the static graph of a workflow. It knows no code.

mod draw;
mod fingerprint;
mod kind;
mod lock;
mod lookup;
mod node;
mod outline;
#[cfg(test)]
mod sample;
mod text;

pub use fingerprint::Fingerprint;
pub use kind::OperationKind;
pub use lock::{Class, Difference, Lock, LockError};
pub use lookup::Located;
pub use node::{Arm, Graph, Node, Operation, ParallelKind};
pub(crate) use text::head;
pub use text::{Body, BrokenGraph};
#[doc(hidden)]
pub use text::{CalledFragments, FragmentText};
