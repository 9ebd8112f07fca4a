//! The harness that the tests across crates share.

pub mod crashing;
pub mod program;
mod temp;

pub use temp::TempDir;
