//! The one connection that writes.

use sqlx::{ConnectOptions, Connection, Executor, SqliteConnection, sqlite::SqliteConnectOptions};

use super::{lock::LivenessLock, store::Work};

/// The writing connection, and the lock that says this store is alive, if workers may be on it.
#[derive(Debug)]
pub(super) struct Writer {
    connection: Option<SqliteConnection>,
    options: SqliteConnectOptions,
    lock: Option<LivenessLock>,
    is_closed: bool,
    /// Whether a transaction may be open that nobody will finish.
    dirty: bool,
    /// Whether the connection refuses changes of status that may not be.
    #[cfg(debug_assertions)]
    guarded: bool,
}

impl Writer {
    pub(super) fn new(
        connection: SqliteConnection,
        options: SqliteConnectOptions,
        lock: Option<LivenessLock>,
    ) -> Self {
        Self {
            connection: Some(connection),
            options,
            lock,
            is_closed: false,
            dirty: false,
            #[cfg(debug_assertions)]
            guarded: false,
        }
    }

    /// Does work on a connection that has no transaction open, and leaves it like that.
    pub(super) async fn run<T>(&mut self, work: Work<T>) -> Result<T, sqlx::Error> {
        if self.is_closed {
            return Err(sqlx::Error::PoolClosed);
        }
        if self.dirty {
            self.roll_back().await;
        }
        let connection = match &mut self.connection {
            Some(connection) => connection,
            none => none.insert(self.options.connect().await?),
        };
        #[cfg(debug_assertions)]
        if !self.guarded {
            guard_statuses(connection).await?;
            self.guarded = true;
        }
        self.dirty = true;
        let result = work(connection).await;
        if result.is_err() {
            self.roll_back().await;
        }
        self.dirty = false;
        result
    }

    /// Closes the connection without another word; the next call opens another.
    pub(super) fn give_up(&mut self) {
        self.connection = None;
        #[cfg(debug_assertions)]
        {
            self.guarded = false;
        }
    }

    /// A connection that cannot even roll back is given up; the next call opens another.
    async fn roll_back(&mut self) {
        let Some(connection) = &mut self.connection else {
            return;
        };
        if roll_back(connection).await.is_err() {
            self.give_up();
        }
        self.dirty = false;
    }

    /// Closes the connection, and only then lets go of the lock.
    pub(super) async fn close(&mut self) -> Result<(), sqlx::Error> {
        let closed = match self.connection.take() {
            Some(connection) => connection.close().await,
            None => Ok(()),
        };
        self.lock = None;
        self.is_closed = true;
        closed
    }
}

/// Has this connection refuse every change of status that is not one of [`TRANSITIONS`](crate::status::TRANSITIONS).
#[cfg(debug_assertions)]
async fn guard_statuses(connection: &mut SqliteConnection) -> Result<(), sqlx::Error> {
    let trigger = format!(
        "CREATE TEMP TRIGGER statuses BEFORE UPDATE OF status ON main.runs \
         WHEN OLD.status <> NEW.status AND max(OLD.status, NEW.status) < {} \
         AND (OLD.status, NEW.status) NOT IN (VALUES {}) \
         BEGIN SELECT RAISE(ABORT, 'a change of status that is not in TRANSITIONS'); END",
        crate::status::Status::ALL.len(),
        crate::status::changes()
    );
    connection.execute(sqlx::AssertSqlSafe(trigger)).await?;
    Ok(())
}

/// Runs work in a transaction that takes the write lock at its start.
pub(super) async fn begin(connection: &mut SqliteConnection) -> Result<(), sqlx::Error> {
    sqlx::query("BEGIN IMMEDIATE").execute(connection).await?;
    Ok(())
}

/// Ends a transaction.
pub(super) async fn commit(connection: &mut SqliteConnection) -> Result<(), sqlx::Error> {
    sqlx::query("COMMIT").execute(connection).await?;
    Ok(())
}

/// Undoes what a transaction has written, if one is open: some errors have ended it already.
pub(super) async fn roll_back(connection: &mut SqliteConnection) -> Result<(), sqlx::Error> {
    match connection.execute("ROLLBACK").await {
        Ok(_) => Ok(()),
        Err(sqlx::Error::Database(error)) if error.message().contains("no transaction") => Ok(()),
        Err(error) => Err(error),
    }
}
