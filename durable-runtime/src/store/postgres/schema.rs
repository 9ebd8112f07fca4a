//! The schema's versions, and how a database is brought to this one.

use sqlx::{AssertSqlSafe, Executor, PgConnection};

use super::{
    address::Address, connect::quoted, error::describe, open::Purpose, rights, write_batch,
};
use crate::store::{StoreError, StoreErrorKind};

/// One per version, from version 1. A text that was released is never changed.
const MIGRATIONS: &[&str] = &[
    include_str!("../../../migrations/postgres/0001_init.sql"),
    include_str!("../../../migrations/postgres/0002_write_batch.sql"),
    include_str!("../../../migrations/postgres/0003_integrity.sql"),
    include_str!("../../../migrations/postgres/0004_write_batch.sql"),
    include_str!("../../../migrations/postgres/0005_due_numbers.sql"),
    include_str!("../../../migrations/postgres/0006_children.sql"),
];

/// The table of the versions that were applied.
pub(super) const VERSIONS: &str = "durable_versions";

/// What the schema is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Found {
    Missing,
    Empty,
    Older(usize),
    Current,
}

/// Brings the schema to this version, whoever else is doing so at the same time, and makes sure that
/// the role may use it. Nothing is written when there is nothing to do.
pub(super) async fn prepare(
    connection: &mut PgConnection,
    address: &Address,
) -> Result<(), StoreError> {
    let found = inspect(connection, address, Purpose::Work).await?;
    if found != Found::Current {
        rights::check_to_migrate(connection, address).await?;
        migrate(connection, address).await?;
        // Another role may have been faster.
        rights::check(connection, address, Purpose::Work).await?;
    }
    check_complete(connection, address).await
}

/// Looks at the schema without writing, and refuses what is not this library's, or is newer, or may not
/// be used.
async fn inspect(
    connection: &mut PgConnection,
    address: &Address,
    purpose: Purpose,
) -> Result<Found, StoreError> {
    let cannot = |error: sqlx::Error| describe("read the schema version", address, error.into());
    let refuse = |kind, why: String| Err(StoreError::new(kind, format!("{address} {why}")));
    match look(connection, &address.schema).await.map_err(cannot)? {
        Look::Missing => return Ok(Found::Missing),
        Look::Empty => return Ok(Found::Empty),
        Look::Foreign => {
            return refuse(
                StoreErrorKind::Open,
                "holds tables of another application, and is left alone; choose another schema with \
                 `PostgresOptions::schema`"
                    .to_owned(),
            );
        }
        Look::Ours => rights::check(connection, address, purpose).await?,
    }
    let version = version(connection).await.map_err(cannot)?;
    if version > MIGRATIONS.len() {
        return refuse(
            StoreErrorKind::NewerSchema,
            format!(
                "has version {version}, and this build knows versions up to {}: a newer version of \
                 this library has written it; run that version, or restore a backup from before the \
                 upgrade",
                MIGRATIONS.len()
            ),
        );
    }
    let has_function = write_batch::is_installed(connection, &address.schema);
    match version == MIGRATIONS.len() && has_function.await.map_err(cannot)? {
        true => Ok(Found::Current),
        false => Ok(Found::Older(version)),
    }
}

enum Look {
    Missing,
    Empty,
    /// Somebody else's tables.
    Foreign,
    Ours,
}

/// Refuses a schema that a client cannot use as it is.
pub(super) async fn expect(
    connection: &mut PgConnection,
    address: &Address,
) -> Result<(), StoreError> {
    let refuse = |kind, why: String| Err(StoreError::new(kind, format!("{address} {why}")));
    match inspect(connection, address, Purpose::Ask).await? {
        Found::Missing | Found::Empty => refuse(
            StoreErrorKind::Missing,
            "has no tables, and a client makes none; start an engine on it once (`Engine::open`), or correct \
             the address or `PostgresOptions::schema`"
                .to_owned(),
        ),
        Found::Older(version) => refuse(
            StoreErrorKind::OlderSchema,
            format!(
                "has version {version}, and this build needs version {} with `{}`; start an engine of this \
                 build on it once (`Engine::open`), which brings it up",
                MIGRATIONS.len(),
                write_batch::NAME
            ),
        ),
        Found::Current => check_complete(connection, address).await,
    }
}

async fn look(connection: &mut PgConnection, schema: &str) -> Result<Look, sqlx::Error> {
    let found: Option<(bool, bool)> = sqlx::query_as(
        "SELECT EXISTS (SELECT FROM pg_class AS c WHERE c.relnamespace = n.oid), \
         EXISTS (SELECT FROM pg_class AS c WHERE c.relnamespace = n.oid AND c.relname = $2) \
         FROM pg_namespace AS n WHERE n.nspname = $1",
    )
    .bind(schema)
    .bind(VERSIONS)
    .fetch_optional(connection)
    .await?;
    Ok(match found {
        None => Look::Missing,
        Some((false, _)) => Look::Empty,
        Some((true, false)) => Look::Foreign,
        Some((true, true)) => Look::Ours,
    })
}

async fn version(connection: &mut PgConnection) -> Result<usize, sqlx::Error> {
    let version: i32 = sqlx::query_scalar("SELECT max(version) FROM durable_versions")
        .fetch_one(connection)
        .await?;
    Ok(usize::try_from(version).unwrap_or(usize::MAX))
}

/// One process migrates, in one transaction; the others wait for it and find nothing left to do.
async fn migrate(connection: &mut PgConnection, address: &Address) -> Result<(), StoreError> {
    let cannot = |error: sqlx::Error| describe("prepare the schema", address, error.into());
    begin(connection, &address.schema).await.map_err(cannot)?;
    let have = match inspect(connection, address, Purpose::Work).await? {
        Found::Missing | Found::Empty => 0,
        Found::Older(version) => version,
        Found::Current => MIGRATIONS.len(),
    };
    apply(connection, &address.schema, have)
        .await
        .map_err(cannot)
}

async fn begin(connection: &mut PgConnection, schema: &str) -> Result<(), sqlx::Error> {
    connection.execute("BEGIN").await?;
    // A migration takes as long as it takes.
    connection
        .execute(sqlx::raw_sql(
            "SET LOCAL statement_timeout TO 0; SET LOCAL lock_timeout TO 0",
        ))
        .await?;
    sqlx::query("SELECT pg_advisory_xact_lock(hashtext('durable'), hashtext($1))")
        .bind(schema)
        .execute(connection)
        .await?;
    Ok(())
}

async fn apply(
    connection: &mut PgConnection,
    schema: &str,
    have: usize,
) -> Result<(), sqlx::Error> {
    if have == 0 {
        let found = look(connection, schema).await?;
        if matches!(found, Look::Missing) {
            let create = format!("CREATE SCHEMA {}", quoted(schema));
            connection.execute(AssertSqlSafe(create)).await?;
        }
        connection
            .execute(
                "CREATE TABLE durable_versions (version INTEGER PRIMARY KEY, \
                 applied_at TIMESTAMPTZ NOT NULL DEFAULT now())",
            )
            .await?;
    }
    for (version, migration) in (1_i32..).zip(MIGRATIONS).skip(have) {
        connection.execute(sqlx::raw_sql(*migration)).await?;
        sqlx::query("INSERT INTO durable_versions (version) VALUES ($1)")
            .bind(version)
            .execute(&mut *connection)
            .await?;
    }
    if !write_batch::is_installed(connection, schema).await? {
        write_batch::install(connection).await?;
    }
    connection.execute("COMMIT").await?;
    Ok(())
}

/// The names of the tables, sequences and functions that the migrations leave, of the function that writes a batch,
/// and of the table of versions.
pub(super) fn objects() -> Vec<String> {
    let mut objects = vec![VERSIONS.to_owned(), write_batch::NAME.to_owned()];
    for line in MIGRATIONS.iter().flat_map(|migration| migration.lines()) {
        let mut words = line.split([' ', '(', ';']);
        let made = match (words.next(), line.contains(" OR REPLACE ")) {
            (Some("CREATE"), true) => words.nth(2).zip(words.next()),
            (Some("CREATE" | "DROP"), false) => words.next().zip(words.next()),
            _ => None,
        };
        let Some(("TABLE" | "SEQUENCE" | "FUNCTION", name)) = made else {
            continue;
        };
        objects.retain(|object| object != name);
        if line.starts_with("CREATE") {
            objects.push(name.to_owned());
        }
    }
    objects
}

/// Refuses a schema of this version of which somebody has removed a part.
async fn check_complete(
    connection: &mut PgConnection,
    address: &Address,
) -> Result<(), StoreError> {
    let missing: Option<String> = sqlx::query_scalar(
        "SELECT name FROM unnest($1) AS name JOIN pg_namespace AS n ON n.nspname = $2 \
         WHERE NOT EXISTS (SELECT FROM pg_class WHERE relnamespace = n.oid AND relname = name) \
         AND NOT EXISTS (SELECT FROM pg_proc WHERE pronamespace = n.oid AND proname = name) LIMIT 1",
    )
    .bind(objects())
    .bind(&address.schema)
    .fetch_optional(connection)
    .await
    .map_err(|error| describe("look at the schema", address, error.into()))?;
    let Some(missing) = missing else {
        return Ok(());
    };
    Err(StoreError::new(
        StoreErrorKind::Corrupt,
        format!("`{missing}` is missing in {address}; restore a backup"),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_migrations_leave_is_read_off_them() {
        let objects = objects();
        for name in ["runs", "journal", "mail_numbers", VERSIONS] {
            assert!(objects.iter().any(|object| object == name), "{objects:?}");
        }
        assert!(objects.iter().any(|name| name.starts_with("write_batch_")));
        assert!(
            !objects.iter().any(|name| name == "runs_due"),
            "{objects:?}"
        );
    }
}
