//! How a database is opened.

use std::time::Duration;

/// How to open a PostgreSQL store. The defaults fit nearly everybody.
///
/// ```
/// use std::time::Duration;
/// use durable_runtime::store::PostgresOptions;
///
/// let options = PostgresOptions::default()
///     .schema("orders")
///     .connections(8)
///     .call_timeout(Duration::from_secs(5))
///     .notifications(false);
/// # let _ = options;
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct PostgresOptions {
    pub(super) schema: String,
    pub(super) connections: usize,
    pub(super) call_timeout: Duration,
    pub(super) notifications: bool,
}

impl PostgresOptions {
    /// The schema that holds the tables, created if it is missing; `durable` if not set. Programs with
    /// different workflows may share one: each takes up the runs of its own workflows. Programs that use
    /// one name for two different workflows must not.
    #[must_use]
    pub fn schema(mut self, schema: impl Into<String>) -> Self {
        self.schema = schema.into();
        self
    }

    /// The most connections that write, claim and read at the same time; 4 if not set, at least 1. One
    /// more keeps the lease, and one listens to [notifications](Self::notifications).
    #[must_use]
    pub fn connections(mut self, connections: usize) -> Self {
        self.connections = connections.max(1);
        self
    }

    /// How long a call may take before its connection is given up and the call fails; 10 seconds if not
    /// set. The server ends the statement after the same time. From a
    /// millisecond to a day: less counts as the one, more as the other.
    #[must_use]
    pub fn call_timeout(mut self, timeout: Duration) -> Self {
        self.call_timeout = timeout.clamp(Duration::from_millis(1), Duration::from_secs(86_400));
        self
    }

    /// Whether processes tell each other by `NOTIFY` what they have written for one another; `true` if
    /// not set. Without, each looks every second, and nothing but the time it takes is different.
    #[must_use]
    pub fn notifications(mut self, notifications: bool) -> Self {
        self.notifications = notifications;
        self
    }
}

impl Default for PostgresOptions {
    fn default() -> Self {
        Self {
            schema: "durable".to_owned(),
            connections: 4,
            call_timeout: Duration::from_secs(10),
            notifications: true,
        }
    }
}
