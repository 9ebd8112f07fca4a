//! The store conformance suite on every store.

mod memory;
mod sqlite;
