//! The SQLite store, each case in a file of its own.

use std::{path::PathBuf, sync::Arc};

use durable_runtime::{
    store::{SqliteStore, Store},
    testing::conformance::{Backend, BackendFuture, Damage, Database},
};
use durable_tests::TempDir;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Executor, sqlite::SqliteConnectOptions};

#[derive(Debug)]
struct Sqlite;

impl Backend for Sqlite {
    fn create(&self) -> BackendFuture<'_, Arc<dyn Database>> {
        Box::pin(async { Ok(Arc::new(SqliteDatabase::new()?) as Arc<dyn Database>) })
    }
}

#[derive(Debug)]
struct SqliteDatabase {
    directory: TempDir,
}

impl SqliteDatabase {
    fn new() -> std::io::Result<Self> {
        Ok(Self {
            directory: TempDir::new("conformance")?,
        })
    }

    fn path(&self) -> PathBuf {
        self.directory.path().join("runs.db")
    }
}

impl Database for SqliteDatabase {
    fn open(&self) -> BackendFuture<'_, Arc<dyn Store>> {
        Box::pin(async move {
            let address = format!("sqlite://{}", self.path().display());
            Ok(Arc::new(SqliteStore::open(&address).await?) as Arc<dyn Store>)
        })
    }

    fn damage(&self, damage: Damage) -> BackendFuture<'_, bool> {
        Box::pin(async move {
            let Some(sql) = statement(damage) else {
                return Ok(false);
            };
            let options = SqliteConnectOptions::new().filename(self.path());
            let mut connection = options.connect().await?;
            connection.execute(AssertSqlSafe(sql)).await?;
            connection.close().await?;
            Ok(true)
        })
    }
}

fn statement(damage: Damage) -> Option<String> {
    Some(match damage {
        Damage::RemoveEvent { run, position } => format!(
            "DELETE FROM journal WHERE run = {} AND position = {position}",
            run.get()
        ),
        Damage::UnknownEvent { run, position } => format!(
            "UPDATE journal SET kind = 9999 WHERE run = {} AND position = {position}",
            run.get()
        ),
        Damage::UnknownMail { run } => {
            format!("UPDATE mailbox SET kind = 9999 WHERE run = {}", run.get())
        }
        Damage::UnknownStatus { run } => {
            format!("UPDATE runs SET status = 9999 WHERE run = {}", run.get())
        }
        Damage::DeleteRun { run } => format!("DELETE FROM runs WHERE run = {}", run.get()),
        Damage::ForeignEvent { run } => format!(
            "INSERT INTO journal (run, position, kind, data, at) VALUES ({}, 0, 17, X'31', 1)",
            run.get()
        ),
        _ => return None,
    })
}

durable_runtime::conformance_tests!(store, Sqlite);
