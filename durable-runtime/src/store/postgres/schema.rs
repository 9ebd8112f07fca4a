//! The schema's versions, and how a database is brought to this one.

use sqlx::{AssertSqlSafe, Executor, PgConnection, Row};

use super::{
    address::Address,
    connect::quoted,
    error::{Fault, describe},
};
use crate::store::{StoreError, StoreErrorKind};

/// One per version, from version 1. A text that was released is never changed.
const MIGRATIONS: &[&str] = &[
    include_str!("../../../migrations/postgres/0001_init.sql"),
    include_str!("../../../migrations/postgres/0002_write_batch.sql"),
    include_str!("../../../migrations/postgres/0003_integrity.sql"),
];

/// What the schema is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Found {
    Missing,
    Empty,
    Version(usize),
}

/// Brings the schema to this version, whoever else is doing so at the same time, and makes sure that
/// the role may use it. Nothing is written when there is nothing to do.
pub(super) async fn prepare(
    connection: &mut PgConnection,
    address: &Address,
) -> Result<(), StoreError> {
    if inspect(connection, address).await? != Found::Version(MIGRATIONS.len()) {
        migrate(connection, address).await?;
    }
    check_rights(connection, address).await
}

/// Looks at the schema without writing, and refuses what is not this library's, or is newer.
async fn inspect(connection: &mut PgConnection, address: &Address) -> Result<Found, StoreError> {
    let cannot = |error: sqlx::Error| describe("read the schema version", address, error.into());
    let found = look(connection, &address.schema).await.map_err(cannot)?;
    let refuse = |kind, why: String| Err(StoreError::new(kind, format!("{address} {why}")));
    match found {
        Look::Foreign => refuse(
            StoreErrorKind::Open,
            "holds tables of another application, and is left alone; choose another schema with \
             `PostgresOptions::schema`"
                .to_owned(),
        ),
        Look::Closed(role) => refuse(
            StoreErrorKind::Denied,
            format!(
                "may not be used by role `{role}`; have its owner run `GRANT USAGE ON SCHEMA {} TO {}`",
                quoted(&address.schema),
                quoted(&role)
            ),
        ),
        Look::Found(Found::Version(version)) if version > MIGRATIONS.len() => refuse(
            StoreErrorKind::NewerSchema,
            format!(
                "has version {version}, and this build knows versions up to {}: a newer version of \
                 this library has written it; run that version, or restore a backup from before the \
                 upgrade",
                MIGRATIONS.len()
            ),
        ),
        Look::Found(found) => Ok(found),
    }
}

enum Look {
    Found(Found),
    /// Somebody else's tables.
    Foreign,
    /// This role may not look inside.
    Closed(String),
}

async fn look(connection: &mut PgConnection, schema: &str) -> Result<Look, sqlx::Error> {
    let row = sqlx::query(
        "SELECT has_schema_privilege(n.oid, 'USAGE'), current_user::TEXT, \
         EXISTS (SELECT FROM pg_class AS c WHERE c.relnamespace = n.oid), \
         EXISTS (SELECT FROM pg_class AS c \
         WHERE c.relnamespace = n.oid AND c.relname = 'durable_versions') \
         FROM pg_namespace AS n WHERE n.nspname = $1",
    )
    .bind(schema)
    .fetch_optional(&mut *connection)
    .await?;
    let Some(row) = row else {
        return Ok(Look::Found(Found::Missing));
    };
    if !row.try_get::<bool, _>(0)? {
        return Ok(Look::Closed(row.try_get(1)?));
    }
    let (is_used, is_ours): (bool, bool) = (row.try_get(2)?, row.try_get(3)?);
    if !is_ours {
        return Ok(if is_used {
            Look::Foreign
        } else {
            Look::Found(Found::Empty)
        });
    }
    let version: i32 = sqlx::query_scalar("SELECT max(version) FROM durable_versions")
        .fetch_one(connection)
        .await?;
    let version = usize::try_from(version).unwrap_or(usize::MAX);
    Ok(Look::Found(Found::Version(version)))
}

/// One process migrates, in one transaction; the others wait for it and find nothing left to do.
async fn migrate(connection: &mut PgConnection, address: &Address) -> Result<(), StoreError> {
    let cannot = |error: sqlx::Error| describe("prepare the schema", address, error.into());
    begin(connection, &address.schema).await.map_err(cannot)?;
    let have = match inspect(connection, address).await? {
        Found::Missing | Found::Empty => 0,
        Found::Version(version) => version,
    };
    apply(connection, &address.schema, have)
        .await
        .map_err(cannot)
}

async fn begin(connection: &mut PgConnection, schema: &str) -> Result<(), sqlx::Error> {
    connection.execute("BEGIN").await?;
    // A migration takes as long as it takes.
    connection
        .execute("SET LOCAL statement_timeout TO 0")
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
        if matches!(found, Look::Found(Found::Missing)) {
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
    connection.execute("COMMIT").await?;
    Ok(())
}

/// What the role needs on tables and sequences; it may be another one than the schema's owner.
async fn check_rights(connection: &mut PgConnection, address: &Address) -> Result<(), StoreError> {
    let missing = missing_rights(connection)
        .await
        .map_err(|error| describe("look at the role's rights", address, Fault::from(error)))?;
    let Some((role, table, right)) = missing else {
        return Ok(());
    };
    let (schema, role) = (quoted(&address.schema), quoted(&role));
    Err(StoreError::new(
        StoreErrorKind::Denied,
        format!(
            "role {role} lacks the right {right} on `{table}` in {address}; have its owner run \
             `GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {schema} TO {role}` and \
             `GRANT USAGE ON ALL SEQUENCES IN SCHEMA {schema} TO {role}`"
        ),
    ))
}

async fn missing_rights(
    connection: &mut PgConnection,
) -> Result<Option<(String, String, String)>, sqlx::Error> {
    sqlx::query_as(
        "SELECT current_user::TEXT, n.name, n.needs FROM (\
         SELECT t.name, r.needs, has_table_privilege(t.name, r.needs) AS has \
         FROM unnest(ARRAY['runs', 'journal', 'mailbox', 'workers', 'batches']) AS t (name), \
         unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']) AS r (needs) \
         UNION ALL SELECT s.name, 'USAGE', has_sequence_privilege(s.name, 'USAGE') \
         FROM unnest(ARRAY['run_numbers', 'mail_numbers', 'worker_numbers']) AS s (name)\
         ) AS n WHERE NOT n.has LIMIT 1",
    )
    .fetch_optional(connection)
    .await
}
