//! The SQLite store: one file, durable at every commit, shared by the processes of one machine.
//!
//! Invariant: one connection writes, and every write runs to its end in a task of its own, so that
//! no caller can leave a transaction half done by going away. Reads use connections of their own
//! and never wait for a write.

mod address;
mod batch;
mod claim;
mod convert;
mod damaged;
mod error;
mod file;
mod load;
mod lock;
mod mail;
mod one_call;
mod open;
mod options;
mod parked;
mod post;
mod progress;
mod read;
mod schema;
mod standing;
mod starts;
mod statement;
mod store;
#[cfg(test)]
mod tests;
mod worker;
mod writer;

pub use options::SqliteOptions;
pub use store::SqliteStore;
