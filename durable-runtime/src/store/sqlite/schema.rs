//! The schema's versions, and how a database is brought to this one.

use std::path::Path;

use sqlx::{Executor, SqliteConnection};

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

/// Brings the schema to this version. Runs inside a transaction.
pub(super) async fn migrate(
    connection: &mut SqliteConnection,
    found: Found,
) -> Result<(), sqlx::Error> {
    let have = match found {
        Found::Empty => 0,
        Found::Version(version) => version,
    };
    for migration in MIGRATIONS.iter().skip(have) {
        connection.execute(sqlx::raw_sql(*migration)).await?;
    }
    if have < MIGRATIONS.len() {
        let stamp = format!(
            "PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {}",
            MIGRATIONS.len()
        );
        connection
            .execute(sqlx::raw_sql(sqlx::AssertSqlSafe(stamp)))
            .await?;
    }
    Ok(())
}
