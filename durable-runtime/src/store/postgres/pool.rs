//! A few connections that are used one call at a time.

use std::{
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use sqlx::{Connection, PgConnection};
use tokio::{
    sync::Semaphore,
    time::{Instant, timeout_at},
};

use super::{connect::Connector, error::Fault};

/// What is done on a connection.
pub(super) type Work<T> = Box<dyn for<'c> FnOnce(&'c mut PgConnection) -> Working<'c, T> + Send>;

/// Work under way.
pub(super) type Working<'c, T> = Pin<Box<dyn Future<Output = Result<T, sqlx::Error>> + Send + 'c>>;

/// Up to so many connections. Work holds one at a time and never asks for a second, so one is enough.
#[derive(Debug)]
pub(super) struct Pool {
    connector: Arc<Connector>,
    call_timeout: Duration,
    lock_timeout: Duration,
    permits: Semaphore,
    size: u32,
    idle: Mutex<Vec<PgConnection>>,
}

impl Pool {
    pub(super) fn new(connector: Arc<Connector>, size: u32, call_timeout: Duration) -> Self {
        Self {
            connector,
            call_timeout,
            lock_timeout: Duration::ZERO,
            permits: Semaphore::new(size as usize),
            size,
            idle: Mutex::default(),
        }
    }

    /// Has statements give up when somebody holds a row for so long. Connections that were added before
    /// must have been made like that.
    #[must_use]
    pub(super) fn with_lock_timeout(self, lock_timeout: Duration) -> Self {
        Self {
            lock_timeout,
            ..self
        }
    }

    /// Does work on a connection, within the time that a call may take. The connection is kept only if
    /// all went well: then it has no transaction open and nothing half read.
    pub(super) async fn run<T>(&self, work: Work<T>) -> Result<T, Fault> {
        let deadline = Instant::now() + self.call_timeout;
        let connecting = async {
            let permit = self.permits.acquire().await.map_err(|_| Fault::Closed)?;
            let connection = match self.take_idle() {
                Some(connection) => connection,
                None => self.connector.connect(self.lock_timeout).await?,
            };
            Ok::<_, Fault>((permit, connection))
        };
        let connected = timeout_at(deadline, connecting).await;
        let (permit, mut connection) =
            connected.map_err(|_| Fault::NoConnection(self.call_timeout))??;
        // Too late, the future is dropped in the midst of the driver, and its connection with it.
        let done = timeout_at(deadline, work(&mut connection)).await;
        let done = done.map_err(|_| Fault::Timeout(self.call_timeout))??;
        self.put_back(connection);
        drop(permit);
        Ok(done)
    }

    /// Adds a connection that is open already.
    pub(super) fn put_back(&self, connection: PgConnection) {
        self.idle().push(connection);
    }

    fn take_idle(&self) -> Option<PgConnection> {
        self.idle().pop()
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<PgConnection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Closes the idle connections: what broke one of them may have broken all.
    pub(super) fn forget_idle(&self) {
        self.idle().clear();
    }

    /// Waits for the calls under way, and closes all connections.
    pub(super) async fn close(&self) {
        let deadline = Instant::now() + self.call_timeout;
        // An error means that it was closed before.
        let all = timeout_at(deadline, self.permits.acquire_many(self.size)).await;
        self.permits.close();
        drop(all);
        let idle = std::mem::take(&mut *self.idle());
        for connection in idle {
            // The server notices in any case that the connection is gone.
            let _ = timeout_at(deadline, connection.close()).await;
        }
    }
}
