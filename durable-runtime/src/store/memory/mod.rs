//! The in-memory store: for tests, and for programs whose runs may end with the process.
//!
//! Invariant: every call takes the lock once, does all of its work, and lets go before it returns,
//! so that a call happens as a whole or not at all.

mod commit;
mod handle;
mod queue;
mod state;

pub use handle::MemoryStore;
