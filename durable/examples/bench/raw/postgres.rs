//! The raw limits of PostgreSQL.

use sqlx::{Connection, Executor, PgConnection};

use super::{Append, RawJournal};

const TABLES: &str = "DROP SCHEMA IF EXISTS raw CASCADE; CREATE SCHEMA raw; \
     CREATE TABLE raw.journal (run BIGINT, position BIGINT, step TEXT, data BYTEA, \
     PRIMARY KEY (run, position)); \
     CREATE TABLE raw.runs (run BIGINT PRIMARY KEY, epoch BIGINT, name TEXT, input BYTEA); \
     INSERT INTO raw.runs SELECT n, 1, 'order', '1' FROM generate_series(-1, 5000) AS n; \
     ANALYZE raw.runs";

/// Fenced: the row of each run is locked, and its epoch compared.
const APPEND: &str = "WITH fenced AS MATERIALIZED (\
     SELECT run FROM raw.runs WHERE run = ANY ($1) AND epoch = 1 FOR UPDATE) \
     INSERT INTO raw.journal SELECT a.run, a.position, a.step, a.data \
     FROM unnest($1, $2::BIGINT[], $3::TEXT[], $4::BYTEA[]) AS a (run, position, step, data) \
     JOIN fenced AS f ON f.run = a.run";

/// A journal with a fence, and no engine.
pub struct PostgresJournal(PgConnection);

impl PostgresJournal {
    /// In a schema of its own.
    pub async fn open(url: &str) -> Result<Self, sqlx::Error> {
        let mut connection = PgConnection::connect(url).await?;
        connection.execute(sqlx::raw_sql(TABLES)).await?;
        Ok(Self(connection))
    }
}

impl RawJournal for PostgresJournal {
    async fn append_one(&mut self, position: i64) -> Result<(), sqlx::Error> {
        sqlx::query("INSERT INTO raw.journal VALUES ($1, $2, $3, $4)")
            .bind(-1_i64)
            .bind(position)
            .bind("work")
            .bind(b"1".as_slice())
            .execute(&mut self.0)
            .await?;
        Ok(())
    }

    async fn append(&mut self, appends: &[Append]) -> Result<(), sqlx::Error> {
        let runs: Vec<i64> = appends.iter().map(|append| append.run).collect();
        let positions: Vec<i64> = appends.iter().map(|append| append.position).collect();
        let written = sqlx::query(APPEND)
            .bind(runs)
            .bind(positions)
            .bind(vec!["work"; appends.len()])
            .bind(vec![b"1".as_slice(); appends.len()])
            .execute(&mut self.0)
            .await?;
        if written.rows_affected() == appends.len() as u64 {
            return Ok(());
        }
        Err(sqlx::Error::RowNotFound)
    }
}
