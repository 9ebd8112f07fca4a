//! The one place that reads a clock.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    time::{Duration, SystemTime},
};

use crate::journal::Timestamp;

/// Where an engine's time comes from.
pub trait Clock: Send + Sync + fmt::Debug + 'static {
    /// The time it is.
    fn now(&self) -> Timestamp;

    /// Resolves when it is `at` or later. Cancel safe.
    fn sleep_until(&self, at: Timestamp) -> Pin<Box<dyn Future<Output = ()> + Send + '_>>;
}

/// The clock of the machine.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        SystemTime::now().into()
    }

    fn sleep_until(&self, at: Timestamp) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(async move {
            loop {
                let left = at.since(self.now());
                if left.is_zero() {
                    return;
                }
                // In pieces, so that a clock that was set is noticed.
                tokio::time::sleep(left.min(Duration::from_secs(60))).await;
            }
        })
    }
}
