//! The in-memory store.

use std::sync::Arc;

use durable_runtime::{
    store::{MemoryStore, Store},
    testing::conformance::{Backend, BackendFuture, Database},
};

#[derive(Debug)]
struct Memory;

impl Backend for Memory {
    fn create(&self) -> BackendFuture<'_, Arc<dyn Database>> {
        Box::pin(async { Ok(Arc::new(MemoryDatabase::default()) as Arc<dyn Database>) })
    }
}

#[derive(Debug, Default)]
struct MemoryDatabase(MemoryStore);

impl Database for MemoryDatabase {
    fn open(&self) -> BackendFuture<'_, Arc<dyn Store>> {
        Box::pin(async { Ok(Arc::new(self.0.clone()) as Arc<dyn Store>) })
    }
}

durable_runtime::conformance_tests!(store, Memory);
