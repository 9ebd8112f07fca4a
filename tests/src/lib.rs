//! The harness that the tests across crates share.

pub mod crashing;
pub mod history;
pub mod program;
pub mod proxy;
#[cfg(unix)]
pub mod server;
pub mod simulation;
mod temp;
pub mod workload;

pub use temp::TempDir;
