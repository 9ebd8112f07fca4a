//! The database of one workload.

use durable_tests::server::Database as OnServer;
use sqlx::{Connection, PgConnection};

use crate::{
    args::{Args, StoreKind},
    process::Folder,
    raw::{self, PostgresJournal, SqliteJournal},
};

/// A fresh database, removed in the end.
#[derive(Debug)]
pub enum Database {
    /// Memory.
    Memory,
    /// A file in a folder of its own.
    Sqlite(Folder),
    /// A database on a server.
    Postgres(OnServer),
}

impl Database {
    /// Makes one of the kind that was asked for.
    pub async fn new(args: &Args) -> durable::Result<Self> {
        Ok(match args.store {
            StoreKind::Memory => Self::Memory,
            StoreKind::Sqlite => Self::Sqlite(Folder::new()?),
            StoreKind::Postgres => Self::Postgres(match &args.url {
                Some(url) => OnServer::beside(url).await?,
                None => OnServer::shared().await?,
            }),
        })
    }

    /// Its address.
    pub fn url(&self) -> String {
        match self {
            Self::Memory => "memory:".to_owned(),
            Self::Sqlite(folder) => format!("sqlite://{}", folder.0.join("bench.db").display()),
            Self::Postgres(database) => database.url().to_owned(),
        }
    }

    /// How many bytes the engine's tables take, with their indexes; of a file, its log included.
    pub async fn bytes(&self) -> durable::Result<Option<f64>> {
        Ok(match self {
            Self::Memory => None,
            Self::Sqlite(folder) => Some(folder.bytes() as f64),
            Self::Postgres(database) => {
                let sql = "SELECT sum(pg_total_relation_size(c.oid))::FLOAT8 FROM pg_class AS c \
                           WHERE c.relnamespace = 'durable'::regnamespace AND c.relkind = 'r'";
                Some(ask(database.url(), sql).await?)
            }
        })
    }

    /// How many transactions the server has ended so far.
    pub async fn transactions(&self) -> durable::Result<Option<f64>> {
        let Self::Postgres(database) = self else {
            return Ok(None);
        };
        let sql =
            "SELECT xact_commit::FLOAT8 FROM pg_stat_database WHERE datname = current_database()";
        Ok(Some(ask(database.url(), sql).await?))
    }

    /// Milliseconds of a raw one-row commit.
    pub async fn raw_commit_ms(&self) -> durable::Result<Option<f64>> {
        let median = match self {
            Self::Memory => return Ok(None),
            Self::Sqlite(folder) => {
                let mut journal = SqliteJournal::open(&folder.0.join("raw-one.db")).await?;
                raw::one_row_commit(&mut journal).await?
            }
            Self::Postgres(database) => {
                let mut journal = PostgresJournal::open(database.url()).await?;
                raw::one_row_commit(&mut journal).await?
            }
        };
        Ok(Some(median.as_secs_f64() * 1e3))
    }

    /// Rows a second of raw group commit.
    pub async fn raw_rows(&self, in_flight: i64) -> durable::Result<Option<f64>> {
        const ROWS: i64 = 40_000;
        Ok(match self {
            Self::Memory => None,
            Self::Sqlite(folder) => {
                let journal = SqliteJournal::open(&folder.0.join("raw-group.db")).await?;
                Some(raw::group_commit(journal, in_flight, ROWS).await?)
            }
            Self::Postgres(database) => {
                let journal = PostgresJournal::open(database.url()).await?;
                Some(raw::group_commit(journal, in_flight, ROWS).await?)
            }
        })
    }
}

async fn ask(url: &str, sql: &'static str) -> durable::Result<f64> {
    let mut connection = PgConnection::connect(url).await?;
    let answer = sqlx::query_scalar(sql).fetch_one(&mut connection).await?;
    connection.close().await?;
    Ok(answer)
}
