//! Workers and their leases.

use sqlx::SqliteConnection;

use super::writer::{begin, commit};
use crate::journal::{Timestamp, WorkerId};

/// Runs whose owner is not registered are free for all, too: nobody else would free them.
const ORPHANS: &str = "owner IS NOT NULL AND owner NOT IN (SELECT worker FROM workers)";

pub(super) async fn register(
    connection: &mut SqliteConnection,
    lease_until: Timestamp,
) -> Result<WorkerId, sqlx::Error> {
    let done = sqlx::query("INSERT INTO workers (lease_until) VALUES (?)")
        .bind(lease_until.as_micros())
        .execute(connection)
        .await?;
    Ok(WorkerId::new(done.last_insert_rowid()))
}

pub(super) async fn renew(
    connection: &mut SqliteConnection,
    worker: WorkerId,
    lease_until: Timestamp,
) -> Result<bool, sqlx::Error> {
    let done = sqlx::query("UPDATE workers SET lease_until = ? WHERE worker = ?")
        .bind(lease_until.as_micros())
        .bind(worker.get())
        .execute(connection)
        .await?;
    Ok(done.rows_affected() == 1)
}

pub(super) async fn retire(
    connection: &mut SqliteConnection,
    worker: WorkerId,
) -> Result<u64, sqlx::Error> {
    begin(connection).await?;
    sqlx::query("DELETE FROM workers WHERE worker = ?")
        .bind(worker.get())
        .execute(&mut *connection)
        .await?;
    let freed = sqlx::query("UPDATE runs SET owner = NULL, due = 0 WHERE owner = ?")
        .bind(worker.get())
        .execute(&mut *connection)
        .await?;
    commit(connection).await?;
    Ok(freed.rows_affected())
}

pub(super) async fn release_strays(
    connection: &mut SqliteConnection,
    worker: WorkerId,
    residents: String,
) -> Result<u64, sqlx::Error> {
    let freed = sqlx::query(
        "UPDATE runs SET owner = NULL, due = 0 \
         WHERE owner = ? AND run NOT IN (SELECT value FROM json_each(?))",
    )
    .bind(worker.get())
    .bind(residents)
    .execute(connection)
    .await?;
    Ok(freed.rows_affected())
}

pub(super) async fn anything_to_reap(
    connection: &mut SqliteConnection,
    now: Timestamp,
) -> Result<bool, sqlx::Error> {
    let sql = format!(
        "SELECT EXISTS (SELECT 1 FROM workers WHERE lease_until < ?) \
         OR EXISTS (SELECT 1 FROM runs WHERE {ORPHANS})"
    );
    sqlx::query_scalar(sqlx::AssertSqlSafe(sql))
        .bind(now.as_micros())
        .fetch_one(connection)
        .await
}

pub(super) async fn reap(
    connection: &mut SqliteConnection,
    now: Timestamp,
) -> Result<u64, sqlx::Error> {
    begin(connection).await?;
    sqlx::query("DELETE FROM workers WHERE lease_until < ?")
        .bind(now.as_micros())
        .execute(&mut *connection)
        .await?;
    let sql = format!("UPDATE runs SET owner = NULL, due = 0 WHERE {ORPHANS}");
    let freed = sqlx::query(sqlx::AssertSqlSafe(sql))
        .execute(&mut *connection)
        .await?;
    commit(connection).await?;
    Ok(freed.rows_affected())
}
