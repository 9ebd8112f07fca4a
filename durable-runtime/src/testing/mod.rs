//! For tests: virtual time, stores that fail, the check of workflow graphs against a lock, and the store conformance
//! suite.
//!
//! Enable the feature `testing` in `dev-dependencies` only.

pub mod conformance;
mod faulty_store;
mod graphs;
mod timeline;
mod virtual_clock;

pub use faulty_store::{BatchFault, Fault, FaultyStore, StoreCall};
pub use graphs::assert_graphs_locked;
pub use virtual_clock::{VirtualClock, VirtualSleep};
