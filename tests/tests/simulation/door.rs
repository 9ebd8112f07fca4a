//! What the workflows of these tests share.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use durable::{Engine, EngineBuilder, testing::VirtualClock};
use durable_tests::soon;
use tokio::sync::Notify;

/// What a step waits for, and what it tells when it goes on.
#[derive(Clone, Default)]
pub struct Door {
    pub open: Arc<Notify>,
    pub passed: Arc<Notify>,
    begun: Arc<AtomicU32>,
}

impl Door {
    /// Notes that a step has begun.
    pub fn begin(&self) {
        self.begun.fetch_add(1, Ordering::Relaxed);
    }

    /// How many have.
    pub fn begun(&self) -> u32 {
        self.begun.load(Ordering::Relaxed)
    }

    /// Waits until so many have.
    pub async fn until_begun(&self, steps: u32) {
        let begun = async {
            while self.begun() < steps {
                tokio::task::yield_now().await;
            }
        };
        soon(begun).await.unwrap();
    }

    pub async fn pass(&self) {
        self.open.notified().await;
        self.passed.notify_one();
    }
}

/// A builder of an engine whose steps can read the clock that it goes by.
pub fn builder(clock: &VirtualClock, door: &Door) -> EngineBuilder {
    let builder = Engine::builder().clock(clock.clone());
    builder.state(clock.clone()).state(door.clone())
}

/// An engine in memory.
pub async fn engine(clock: &VirtualClock) -> Engine {
    let builder = builder(clock, &Door::default());
    builder.open("memory:").await.unwrap()
}
