//! The PostgreSQL store: any number of workers on any number of machines.
//!
//! Invariants: a connection on which anything went wrong, or which did not answer in time, is closed
//! and never used again; every call runs to its end in a task of its own on the store's thread, so that
//! neither a caller that goes away nor user code that blocks can leave a call half done; correctness
//! rests on row locks and on what each statement sees, never on notifications.

mod address;
mod batch;
mod claim;
mod clients;
mod columns;
mod connect;
mod convert;
mod error;
mod heads;
mod notify;
mod open;
mod options;
mod owners;
mod payload;
mod pool;
mod presence;
mod process;
mod progress;
mod read;
mod rights;
mod schema;
mod search;
mod server;
mod single;
mod starts;
mod store;
mod take;
mod thread;
mod worker;
mod write_batch;

pub use options::PostgresOptions;
pub use store::PostgresStore;
