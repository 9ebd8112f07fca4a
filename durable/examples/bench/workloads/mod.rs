//! The workloads, one file for each group of them.

mod check;
mod growth;
mod handover;
mod latency;
mod recovery;
mod setup;
mod sleepers;
mod sources;
mod throughput;
mod values;

pub use setup::{NAMES, run};
