//! For tests: the check of workflow graphs against a lock, and the store conformance suite.
//!
//! Enable the feature `testing` in `dev-dependencies` only.

pub mod conformance;
mod graphs;

pub use graphs::assert_graphs_locked;
