//! What applications call: start runs, wait for them, signal, cancel, look.

mod cancel;
mod connect;
mod handle;
mod link;
mod list;
mod names;
mod patience;
mod progress;
mod requests;
mod signals;
mod snapshot;
mod starts;
mod waits;

pub use cancel::Cancel;
pub use connect::ClientBuilder;
pub use handle::Run;
pub(crate) use link::Link;
pub use list::{ListedRun, RunList};
pub use requests::Client;
pub use snapshot::{ChildRun, Rollback, Snapshot, StepInFlight, Waiting, WaitsOn};
