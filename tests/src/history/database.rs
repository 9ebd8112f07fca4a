//! Reading a history from the database.

use std::{path::Path, sync::Arc};

use durable::{
    Result,
    journal::RunKey,
    store::{PostgresStore, RunQuery, SqliteStore, Store},
};
use sqlx::{
    ConnectOptions, Connection, Executor, PgConnection, SqliteConnection,
    postgres::PgConnectOptions, sqlite::SqliteConnectOptions,
};

use super::{Folder, History, RecordedRun};

/// Opens the database at an address, whichever it is.
///
/// # Errors
///
/// When it cannot be opened.
pub async fn open(url: &str) -> Result<Arc<dyn Store>> {
    Ok(match url.starts_with("postgres://") {
        true => Arc::new(PostgresStore::open(url).await?),
        false => Arc::new(SqliteStore::open(url).await?),
    })
}

/// A connection beside the engine's own, for what a store does not tell.
#[derive(Debug)]
pub enum Database {
    /// A SQLite file.
    Sqlite(SqliteConnection),
    /// A PostgreSQL database.
    Postgres(PgConnection),
}

impl Database {
    /// Connects to the database at an address.
    ///
    /// # Errors
    ///
    /// When it cannot be opened.
    pub async fn connect(url: &str) -> Result<Self> {
        if url.starts_with("postgres://") {
            let options: PgConnectOptions = url.parse()?;
            let options = options.options([("search_path", "durable")]);
            return Ok(Self::Postgres(options.connect().await?));
        }
        let path = url.strip_prefix("sqlite://").unwrap_or(url);
        let options = SqliteConnectOptions::new().filename(Path::new(path));
        Ok(Self::Sqlite(options.connect().await?))
    }

    /// Ends the leases of all workers, as a machine does whose clock is ahead.
    ///
    /// # Errors
    ///
    /// When the statement fails.
    pub async fn end_leases(&mut self) -> Result<()> {
        let sql = "UPDATE workers SET lease_until = 0";
        match self {
            Self::Sqlite(connection) => connection.execute(sql).await?.rows_affected(),
            Self::Postgres(connection) => connection.execute(sql).await?.rows_affected(),
        };
        Ok(())
    }

    /// The rows of the runs that have not ended, as text, and of the workers.
    ///
    /// # Errors
    ///
    /// When they cannot be read.
    pub async fn unfinished(&mut self) -> Result<Vec<String>> {
        let sql = "SELECT concat_ws(' ', 'run', run, id, 'status', status, 'epoch', epoch, \
             'owner', owner, 'due', due, 'deaths', deaths, 'died_at', died_at, 'events', \
             (SELECT count(*) FROM journal AS j WHERE j.run = r.run), 'mail', \
             (SELECT count(*) FROM mailbox AS m WHERE m.run = r.run)) \
             FROM runs AS r WHERE status NOT IN (4, 5, 6) \
             UNION ALL SELECT concat_ws(' ', 'worker', worker, 'lease_until', lease_until, \
             'trial', trial, trial_until) FROM workers";
        Ok(match self {
            Self::Sqlite(connection) => sqlx::query_scalar(sql).fetch_all(connection).await?,
            Self::Postgres(connection) => sqlx::query_scalar(sql).fetch_all(connection).await?,
        })
    }

    /// The epoch of each run.
    async fn epochs(&mut self) -> Result<Vec<(i64, i64)>> {
        let sql = "SELECT run, epoch FROM runs ORDER BY run";
        Ok(match self {
            Self::Sqlite(connection) => sqlx::query_as(sql).fetch_all(connection).await?,
            Self::Postgres(connection) => sqlx::query_as(sql).fetch_all(connection).await?,
        })
    }

    /// The run and position of each event.
    async fn positions(&mut self) -> Result<Vec<(i64, i64)>> {
        let sql = "SELECT run, CAST(position AS BIGINT) FROM journal ORDER BY run, position";
        Ok(match self {
            Self::Sqlite(connection) => sqlx::query_as(sql).fetch_all(connection).await?,
            Self::Postgres(connection) => sqlx::query_as(sql).fetch_all(connection).await?,
        })
    }

    /// How many connections are in a transaction and do nothing.
    ///
    /// # Errors
    ///
    /// When the server does not say.
    pub async fn idle_in_transaction(&mut self) -> Result<i64> {
        Ok(match self {
            Self::Sqlite(_) => 0,
            Self::Postgres(connection) => {
                let sql = "SELECT count(*) FROM pg_stat_activity \
                    WHERE datname = current_database() AND state LIKE 'idle in transaction%'";
                sqlx::query_scalar(sql).fetch_one(connection).await?
            }
        })
    }

    /// Closes the connection.
    ///
    /// # Errors
    ///
    /// When it breaks.
    pub async fn close(self) -> Result<()> {
        match self {
            Self::Sqlite(connection) => connection.close().await?,
            Self::Postgres(connection) => connection.close().await?,
        }
        Ok(())
    }
}

impl History {
    /// Reads what the processes wrote and what the database holds. Processes count as alive.
    ///
    /// # Errors
    ///
    /// When something cannot be read.
    pub async fn read(folder: &Folder, drivers: &[String], url: &str) -> Result<Self> {
        let mut acks = Vec::new();
        for driver in drivers {
            acks.extend(folder.acks_of(driver)?);
        }
        let store = open(url).await?;
        let runs = read_runs(&*store, url).await;
        store.close().await?;
        let mut database = Database::connect(url).await?;
        let idle_in_transaction = database.idle_in_transaction().await?;
        database.close().await?;
        Ok(Self {
            acks,
            effects: folder.effects()?,
            lives: folder.lives()?,
            runs: runs?,
            idle_in_transaction,
        })
    }
}

async fn read_runs(store: &dyn Store, url: &str) -> Result<Vec<RecordedRun>> {
    let mut database = Database::connect(url).await?;
    let epochs = database.epochs().await?;
    let mut positions = database.positions().await?.into_iter().peekable();
    database.close().await?;
    let query = RunQuery {
        limit: usize::MAX >> 1,
        ..RunQuery::default()
    };
    let mut records = store.list(&query).await?.runs;
    records.reverse();
    let mut runs = Vec::with_capacity(records.len());
    for (record, (key, epoch)) in records.into_iter().zip(epochs) {
        let run = record.run.get();
        if run != key {
            return Err(format!("run {run} is listed where run {key} should be").into());
        }
        let events = store.history(RunKey::new(run)).await?;
        let at: Vec<i64> = std::iter::from_fn(|| positions.next_if(|(of, _)| *of == run))
            .map(|(_, position)| position)
            .collect();
        if at.len() != events.len() {
            let events = events.len();
            return Err(format!("run {run} gives {events} events, at {at:?}").into());
        }
        runs.push(RecordedRun {
            run,
            id: record.id.as_str().to_owned(),
            status: record.status,
            epoch,
            events: at.into_iter().zip(events).collect(),
        });
    }
    Ok(runs)
}
