//! What applications call: start runs, wait for them, signal, cancel, look.

mod cancel;
mod handle;
mod list;
mod patience;
mod progress;
mod requests;
mod snapshot;

pub use cancel::Cancel;
pub use handle::Run;
pub use list::{ListedRun, RunList};
pub use requests::Client;
pub use snapshot::{ChildRun, Rollback, Snapshot, StepInFlight, Waiting, WaitsOn};
