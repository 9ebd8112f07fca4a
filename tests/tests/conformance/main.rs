//! The store conformance suite on every store.

mod memory;
#[cfg(unix)]
mod postgres;
mod sqlite;
