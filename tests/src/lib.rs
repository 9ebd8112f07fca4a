//! The harness that the tests across crates share.

mod temp;

pub use temp::TempDir;
