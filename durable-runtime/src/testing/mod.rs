//! For tests: the store conformance suite.
//!
//! Enable the feature `testing` in `dev-dependencies` only.

pub mod conformance;
