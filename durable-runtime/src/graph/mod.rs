//! What the compiler saw: the static graph of each workflow, and the registry of all of them.
//!
//! Invariant: only [`registry`](Registry) iterates what was registered at link time.

mod body;
mod draw;
mod fingerprint;
mod lock;
mod lookup;
mod node;
mod outline;
mod registry;
#[cfg(test)]
mod sample;
mod written;

pub use body::Body;
pub use fingerprint::Fingerprint;
pub use lock::{Class, Difference, Lock, LockError};
pub use lookup::Located;
pub use node::{Arm, Graph, Node, Operation, OperationKind, ParallelKind};
pub use registry::{
    Awaited, BodyFuture, CompensateFn, Compensator, Definition, Part, Registered, Registry,
    RegistryError, RequiredState, Reread, Wiring,
};
pub use written::BrokenGraph;
pub(crate) use written::head;
