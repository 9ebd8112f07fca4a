//! The SQLite store.

/// A store in a SQLite file.
#[derive(Debug)]
pub struct SqliteStore;

/// How to open a SQLite store.
#[derive(Debug, Default)]
pub struct SqliteOptions;
