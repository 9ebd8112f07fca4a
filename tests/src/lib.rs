//! The harness that the tests across crates share.

pub mod crashing;
pub mod program;
#[cfg(unix)]
pub mod server;
mod temp;

pub use temp::TempDir;
