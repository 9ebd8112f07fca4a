//! The store conformance suite: what every [`Store`](crate::store::Store) must do, case by case.
//!
//! A store's author implements [`Backend`] and [`Database`] and calls
//! [`conformance_tests!`](crate::conformance_tests); each case is then a test of its own, on a
//! database of its own. Times are handed to the store, so no case sleeps.
//!
//! ```
//! use std::sync::Arc;
//! use durable_runtime::{
//!     store::{MemoryStore, Store},
//!     testing::conformance::{self, Backend, BackendFuture, Database},
//! };
//!
//! #[derive(Debug)]
//! struct Memory;
//!
//! impl Backend for Memory {
//!     fn create(&self) -> BackendFuture<'_, Arc<dyn Database>> {
//!         Box::pin(async { Ok(Arc::new(MemoryDatabase(MemoryStore::new())) as Arc<dyn Database>) })
//!     }
//! }
//!
//! #[derive(Debug)]
//! struct MemoryDatabase(MemoryStore);
//!
//! impl Database for MemoryDatabase {
//!     fn open(&self) -> BackendFuture<'_, Arc<dyn Store>> {
//!         Box::pin(async { Ok(Arc::new(self.0.clone()) as Arc<dyn Store>) })
//!     }
//! }
//!
//! conformance::run(&Memory, "starts::a_new_run_is_pending_and_due_at_once");
//! // In a test file, for every case: durable_runtime::conformance_tests!(memory, Memory);
//! ```

mod backend;
mod cases;
mod fixture;
mod run;

mod cancel_safety;
mod children;
mod claims;
mod clients;
mod commits;
mod concurrency;
mod damage;
mod deaths;
mod deletion;
mod leases;
mod listing;
mod mail;
mod parking;
mod payloads;
mod reads;
mod reopening;
mod repeats;
mod room;
mod starts;

pub use backend::{Backend, BackendFuture, Damage, Database};
pub use cases::CASES;
pub use run::{Case, run};
