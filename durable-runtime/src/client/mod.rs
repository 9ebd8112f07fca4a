//! What applications call: start runs, wait for them, signal, cancel, look.

mod handle;
mod requests;
mod snapshot;

pub use handle::Run;
pub use requests::{Client, ListedRun, RunList};
pub use snapshot::Snapshot;
