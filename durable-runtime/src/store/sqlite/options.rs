//! How a database is opened.

use std::time::Duration;

/// How to open a SQLite store. The defaults fit nearly everybody.
///
/// ```
/// use std::time::Duration;
/// use durable_runtime::store::SqliteOptions;
///
/// let options = SqliteOptions::default().busy_timeout(Duration::from_secs(30)).readers(2);
/// # let _ = options;
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct SqliteOptions {
    pub(super) busy_timeout: Duration,
    pub(super) readers: u32,
}

impl SqliteOptions {
    /// How long a write waits for another process that holds the database; 5 seconds by default.
    #[must_use]
    pub fn busy_timeout(mut self, timeout: Duration) -> Self {
        self.busy_timeout = timeout.min(Duration::from_secs(86_400));
        self
    }

    /// The most connections that read at the same time; 4 by default, at least 1.
    #[must_use]
    pub fn readers(mut self, readers: u32) -> Self {
        self.readers = readers.max(1);
        self
    }
}

impl Default for SqliteOptions {
    fn default() -> Self {
        Self {
            busy_timeout: Duration::from_secs(5),
            readers: 4,
        }
    }
}
