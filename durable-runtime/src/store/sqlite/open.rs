//! Opening: what the file is, the lock, the pragmas, the schema, and the takeover from processes
//! that have died.

use std::{path::Path, time::Instant};

use sqlx::{
    ConnectOptions, Connection, Executor, SqliteConnection, SqlitePool,
    sqlite::{SqliteConnectOptions, SqlitePoolOptions},
};

use super::{
    SqliteOptions, address, error::describe, file::DatabaseFile, lock::LivenessLock, schema,
    store::Shared, worker, writer::Writer,
};
use crate::store::StoreError;

/// Statements kept prepared per connection. A batch of 500 parts takes up to 0.75 MiB, and which lists are long
/// differs from one to the next: kept without bound, their texts would take hundreds of MiB.
pub(super) const STATEMENTS: usize = 64;

pub(super) async fn open(address: &str, options: &SqliteOptions) -> Result<Shared, StoreError> {
    let path = address::path_of(address)?;
    address::check_place(&path)?;
    let path = DatabaseFile::find(&path)?;
    let connect = connect_options(&path, options);
    let mut connection = connect
        .connect()
        .await
        .map_err(|error| describe("open the database", &path, error))?;
    // Nothing is written, not even the lock file, before the file is known to be ours.
    schema::inspect(&mut connection, &path).await?;
    let file = DatabaseFile::opened(path)?;
    let path = file.path();
    let mut lock = LivenessLock::acquire(path, options.busy_timeout).await?;
    let prepared = prepare(&mut connection, path, options, &lock).await;
    if let Err(error) = prepared {
        drop(connection.close().await);
        return Err(error);
    }
    lock.settle(options.busy_timeout).await?;
    Ok(Shared::new(
        readers(&connect, options),
        Some(lock.serial()),
        Writer::new(connection, connect, Some(lock)),
        file,
    ))
}

/// Opens a database that is there, for clients: nothing is made, brought to another version or taken over,
/// and no lock says that a worker lives here.
pub(super) async fn connect(address: &str, options: &SqliteOptions) -> Result<Shared, StoreError> {
    let path = address::path_of(address)?;
    if path.is_dir() {
        address::check_place(&path)?;
    }
    let path = DatabaseFile::existing(&path)?;
    let connect = connect_options(&path, options);
    let mut connection = connect
        .connect()
        .await
        .map_err(|error| describe("open the database", &path, error))?;
    schema::expect(&mut connection, &path).await?;
    let file = DatabaseFile::opened(path)?;
    Ok(Shared::new(
        readers(&connect, options),
        None,
        Writer::new(connection, connect, None),
        file,
    ))
}

pub(super) fn connect_options(path: &Path, options: &SqliteOptions) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(false)
        .foreign_keys(false)
        .busy_timeout(options.busy_timeout)
        .statement_cache_capacity(STATEMENTS)
        .pragma("synchronous", "FULL")
        .pragma("cache_size", "-16000")
        .pragma("wal_autocheckpoint", "4000")
        .pragma("journal_size_limit", "67108864")
        .disable_statement_logging()
}

fn readers(connect: &SqliteConnectOptions, options: &SqliteOptions) -> SqlitePool {
    SqlitePoolOptions::new()
        .max_connections(options.readers)
        .connect_lazy_with(connect.clone().pragma("query_only", "ON"))
}

async fn prepare(
    connection: &mut SqliteConnection,
    path: &Path,
    options: &SqliteOptions,
    lock: &LivenessLock,
) -> Result<(), StoreError> {
    write_ahead(connection, options)
        .await
        .map_err(|error| describe("switch to a write-ahead log", path, error))?;
    let cannot = |error| describe("prepare the schema", path, error);
    // Takes the write lock even when there is nothing to do: a file that cannot be written is
    // found out here.
    connection
        .execute("BEGIN IMMEDIATE")
        .await
        .map_err(cannot)?;
    let found = schema::inspect(connection, path).await?;
    schema::migrate(connection, path, found).await?;
    connection.execute("COMMIT").await.map_err(cannot)?;
    if lock.alone() {
        let taken = worker::take_over(connection, lock.serial()).await;
        taken.map_err(|error| describe("take over from those who died", path, error))?;
    }
    Ok(())
}

/// SQLite does not wait for its busy timeout when it changes the journal mode.
async fn write_ahead(
    connection: &mut SqliteConnection,
    options: &SqliteOptions,
) -> Result<(), sqlx::Error> {
    let start = Instant::now();
    loop {
        match connection.execute("PRAGMA journal_mode = WAL").await {
            Ok(_) => return Ok(()),
            Err(sqlx::Error::Database(error))
                if start.elapsed() < options.busy_timeout && error.message().contains("locked") =>
            {
                tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            }
            Err(error) => return Err(error),
        }
    }
}
