//! The schema's versions, and how a database is brought to this one.

use std::path::Path;

use sqlx::{AssertSqlSafe, Executor, SqliteConnection};

use super::error::describe;
use crate::store::{StoreError, StoreErrorKind};

/// Marks a file as a database of this library: `dura` in ASCII.
const APPLICATION_ID: i64 = 0x6475_7261;

/// One per version, from version 1. A text that was released is never changed.
const MIGRATIONS: &[&str] = &[
    include_str!("../../../migrations/sqlite/0001_init.sql"),
    include_str!("../../../migrations/sqlite/0002_integrity.sql"),
];

/// What the file is, by its header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Found {
    Empty,
    Version(usize),
}

/// Looks at the file without writing to it, and refuses what is not this library's.
pub(super) async fn inspect(
    connection: &mut SqliteConnection,
    path: &Path,
) -> Result<Found, StoreError> {
    let row: Result<(i64, i64, i64), _> = sqlx::query_as(
        "SELECT (SELECT application_id FROM pragma_application_id), \
         (SELECT user_version FROM pragma_user_version), (SELECT count(*) FROM sqlite_schema)",
    )
    .fetch_one(connection)
    .await;
    let (application, version, objects) =
        row.map_err(|error| describe("read the schema version", path, error))?;
    match (application, usize::try_from(version)) {
        (APPLICATION_ID, Ok(version)) if version <= MIGRATIONS.len() => Ok(Found::Version(version)),
        (APPLICATION_ID, _) => Err(StoreError::new(
            StoreErrorKind::NewerSchema,
            format!(
                "`{}` has schema version {version}, and this build knows versions up to {}: \
                 a newer version of this library has written it; run that version, or restore a \
                 backup from before the upgrade",
                path.display(),
                MIGRATIONS.len()
            ),
        )),
        (0, Ok(0)) if objects == 0 => Ok(Found::Empty),
        _ => Err(StoreError::new(
            StoreErrorKind::Open,
            format!(
                "`{}` is a SQLite database of another application, and is left alone; \
                 choose another file",
                path.display()
            ),
        )),
    }
}

/// Refuses a file that a client cannot use as it is.
pub(super) async fn expect(
    connection: &mut SqliteConnection,
    path: &Path,
) -> Result<(), StoreError> {
    let refuse = |kind, why: String| {
        let path = path.display();
        Err(StoreError::new(kind, format!("`{path}` {why}")))
    };
    match inspect(connection, path).await? {
        Found::Version(version) if version < MIGRATIONS.len() => refuse(
            StoreErrorKind::OlderSchema,
            format!(
                "has schema version {version}, and this build needs version {}; start an engine of this \
                 build on it once (`Engine::open`), which brings it up",
                MIGRATIONS.len()
            ),
        ),
        Found::Version(_) => Ok(()),
        Found::Empty => refuse(
            StoreErrorKind::Missing,
            "is empty, and a client makes no tables; start an engine on it once (`Engine::open`)"
                .to_owned(),
        ),
    }
}

/// Brings the schema to this version. Runs inside a transaction. What people have added to the tables stays: a
/// migration that makes a table anew drops its indexes and triggers, so those that are not of this library are made
/// again. If that cannot be done, nothing is changed.
pub(super) async fn migrate(
    connection: &mut SqliteConnection,
    path: &Path,
    found: Found,
) -> Result<(), StoreError> {
    let have = match found {
        Found::Empty => 0,
        Found::Version(version) => version,
    };
    if have == MIGRATIONS.len() {
        return Ok(());
    }
    let cannot = |error| describe("prepare the schema", path, error);
    let columns = columns(connection).await.map_err(cannot)?;
    let added = additions(connection, have).await.map_err(cannot)?;
    for migration in MIGRATIONS.iter().skip(have) {
        let migrated = connection.execute(sqlx::raw_sql(*migration)).await;
        migrated.map_err(cannot)?;
    }
    for addition in added {
        addition.restore(connection, path).await?;
    }
    let left = self::columns(connection).await.map_err(cannot)?;
    if let Some((table, column)) = columns.iter().find(|column| !left.contains(column)) {
        let what = format!("column `{column}` of table `{table}`");
        return Err(in_the_way(path, &what, "would be lost"));
    }
    let stamp = format!(
        "PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {}",
        MIGRATIONS.len()
    );
    let stamped = connection
        .execute(sqlx::raw_sql(AssertSqlSafe(stamp)))
        .await;
    stamped.map(drop).map_err(cannot)
}

/// An index or a trigger that somebody has added.
struct Addition {
    kind: String,
    name: String,
    table: String,
    sql: String,
}

impl Addition {
    /// Makes it again if a migration has dropped it.
    async fn restore(
        self,
        connection: &mut SqliteConnection,
        path: &Path,
    ) -> Result<(), StoreError> {
        let there: Result<Option<String>, _> =
            sqlx::query_scalar("SELECT sql FROM sqlite_schema WHERE type = ? AND name = ?")
                .bind(&self.kind)
                .bind(&self.name)
                .fetch_optional(&mut *connection)
                .await;
        let there = there.map_err(|error| describe("prepare the schema", path, error))?;
        if there.as_ref() == Some(&self.sql) {
            return Ok(());
        }
        let made = connection
            .execute(sqlx::raw_sql(AssertSqlSafe(self.sql)))
            .await;
        made.map(drop).map_err(|error| {
            let what = format!("{} `{}` on `{}`", self.kind, self.name, self.table);
            in_the_way(path, &what, &format!("cannot be made again: {error}"))
        })
    }
}

/// The error for what is not of this library and keeps it from bringing the schema to its version.
fn in_the_way(path: &Path, what: &str, why: &str) -> StoreError {
    let path = path.display();
    let message = format!(
        "`{path}` is of an older version, and {what}, which is not of this library, {why}; remove it or give it \
         another name, and open the file again (nothing was changed)"
    );
    StoreError::new(StoreErrorKind::Open, message)
}

/// The indexes and triggers that no migration up to this version has made.
async fn additions(
    connection: &mut SqliteConnection,
    version: usize,
) -> Result<Vec<Addition>, sqlx::Error> {
    let all: Vec<(String, String, String, String)> = sqlx::query_as(
        "SELECT type, name, tbl_name, sql FROM sqlite_schema \
         WHERE type IN ('index', 'trigger') AND sql IS NOT NULL ORDER BY rowid",
    )
    .fetch_all(connection)
    .await?;
    let ours = &MIGRATIONS[..version];
    let added = all.into_iter().map(|(kind, name, table, sql)| Addition {
        kind,
        name,
        table,
        sql,
    });
    // SQLite keeps the texts as they were written.
    Ok(added
        .filter(|addition| {
            !ours
                .iter()
                .any(|migration| migration.contains(&addition.sql))
        })
        .collect())
}

/// All tables and their columns.
async fn columns(connection: &mut SqliteConnection) -> Result<Vec<(String, String)>, sqlx::Error> {
    sqlx::query_as(
        "SELECT t.name, c.name FROM sqlite_schema AS t JOIN pragma_table_info(t.name) AS c \
         WHERE t.type = 'table'",
    )
    .fetch_all(connection)
    .await
}
