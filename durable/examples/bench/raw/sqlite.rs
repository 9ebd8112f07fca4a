//! The raw limits of SQLite.

use std::path::Path;

use sqlx::{
    Connection, SqliteConnection,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous},
};

use super::{Append, RawJournal};

const TABLE: &str = "CREATE TABLE IF NOT EXISTS journal (run INTEGER, position INTEGER, step TEXT, \
                     data BLOB, PRIMARY KEY (run, position)) WITHOUT ROWID";

/// A journal with no engine, no fence and no run rows.
pub struct SqliteJournal(SqliteConnection);

impl SqliteJournal {
    /// In a file of its own.
    pub async fn open(path: &Path) -> Result<Self, sqlx::Error> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full);
        let mut connection = SqliteConnection::connect_with(&options).await?;
        sqlx::query(TABLE).execute(&mut connection).await?;
        Ok(Self(connection))
    }
}

impl RawJournal for SqliteJournal {
    async fn append_one(&mut self, position: i64) -> Result<(), sqlx::Error> {
        sqlx::query("INSERT INTO journal VALUES (?, ?, ?, ?)")
            .bind(-1_i64)
            .bind(position)
            .bind("work")
            .bind(b"1".as_slice())
            .execute(&mut self.0)
            .await?;
        Ok(())
    }

    async fn append(&mut self, appends: &[Append]) -> Result<(), sqlx::Error> {
        write(&mut self.0, appends).await
    }
}

/// One transaction, in statements of a power of two of rows, so that they stay prepared.
async fn write(connection: &mut SqliteConnection, appends: &[Append]) -> Result<(), sqlx::Error> {
    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
    let mut rest = appends;
    while !rest.is_empty() {
        let rows = 1 << rest.len().min(256).ilog2();
        let (chunk, left) = rest.split_at(rows);
        rest = left;
        let values = vec!["(?, ?, ?, ?)"; rows].join(", ");
        // `OR ROLLBACK`: SQLite need not copy pages, first to memory and then to a file, to undo the statement alone.
        let sql = format!("INSERT OR ROLLBACK INTO journal VALUES {values}");
        let mut query = sqlx::query(sqlx::AssertSqlSafe(sql));
        for append in chunk {
            query = query
                .bind(append.run)
                .bind(append.position)
                .bind("work")
                .bind(b"1".as_slice());
        }
        query.execute(&mut *transaction).await?;
    }
    transaction.commit().await
}
