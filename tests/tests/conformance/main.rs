//! The store conformance suite on every store.

#[cfg(test)]
mod agreement;
mod memory;
#[cfg(unix)]
mod postgres;
mod sqlite;
