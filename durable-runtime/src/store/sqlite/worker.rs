//! Workers and their leases.

use std::time::Duration;

use serde_json::Value;
use sqlx::SqliteConnection;

use super::{
    damaged::Damaged,
    statement::json_list,
    writer::{begin, commit},
};
use crate::{
    journal::{Timestamp, WorkerId},
    store::{NewWorker, rules},
};

/// Runs whose owner is not registered are free for all, too: nobody else would free them.
const ORPHANS: &str = "owner IS NOT NULL AND owner NOT IN (SELECT worker FROM workers)";

/// The condition that worker `w` has no run on trial: that it has let go of it, or that the run's
/// journal has grown since the last death.
macro_rules! no_trial {
    () => {
        "NOT EXISTS (SELECT 1 FROM runs AS t WHERE t.run = w.trial AND t.owner = w.worker \
         AND t.died_at = (SELECT coalesce(max(position), -1) FROM journal AS j WHERE j.run = t.run))"
    };
}
pub(super) use no_trial;

/// Counts the deaths of workers: for the run on trial alone, if the worker has one. Runs whose journals or rows
/// are damaged (`?2`) are passed over.
const BLAME: &str = concat!(
    "UPDATE runs SET deaths = CASE WHEN died_at = last THEN deaths + 1 ELSE 1 END, died_at = last \
     FROM (SELECT r.run AS dead, (SELECT coalesce(max(position), -1) FROM journal AS j \
     WHERE j.run = r.run) AS last FROM workers AS w JOIN runs AS r ON r.owner = w.worker \
     WHERE w.lease_until < ?1 AND r.run NOT IN (SELECT value FROM json_each(?2)) AND (w.trial = r.run OR ",
    no_trial!(),
    ")) WHERE runs.run = dead"
);

pub(super) async fn register(
    connection: &mut SqliteConnection,
    new: NewWorker,
    lock: i64,
) -> Result<WorkerId, sqlx::Error> {
    let done = sqlx::query("INSERT INTO workers (lease_until, workflows, lock) VALUES (?, ?, ?)")
        .bind(new.lease_until.as_micros())
        .bind(new.workflows.map(|names| Value::from(names).to_string()))
        .bind(lock)
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

pub(super) async fn leases(
    connection: &mut SqliteConnection,
) -> Result<Vec<(WorkerId, Timestamp)>, sqlx::Error> {
    let leases: Vec<(i64, i64)> = sqlx::query_as("SELECT worker, lease_until FROM workers")
        .fetch_all(connection)
        .await?;
    let lease = |(worker, until)| (WorkerId::new(worker), Timestamp::from_micros(until));
    Ok(leases.into_iter().map(lease).collect())
}

pub(super) async fn end_leases(
    connection: &mut SqliteConnection,
    leases: Vec<(WorkerId, Timestamp)>,
) -> Result<(), sqlx::Error> {
    for (worker, until) in leases {
        sqlx::query("UPDATE workers SET lease_until = ? WHERE worker = ? AND lease_until = ?")
            .bind(Timestamp::MIN.as_micros())
            .bind(worker.get())
            .bind(until.as_micros())
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}

pub(super) async fn retire(
    connection: &mut SqliteConnection,
    worker: WorkerId,
) -> Result<u64, sqlx::Error> {
    match retire_but(connection, worker, &Damaged::default()).await {
        Err(error) => {
            let damaged = Damaged::find(connection, error).await?;
            retire_but(connection, worker, &damaged).await
        }
        freed => freed,
    }
}

async fn retire_but(
    connection: &mut SqliteConnection,
    worker: WorkerId,
    damaged: &Damaged,
) -> Result<u64, sqlx::Error> {
    begin(connection).await?;
    sqlx::query("DELETE FROM workers WHERE worker = ?")
        .bind(worker.get())
        .execute(&mut *connection)
        .await?;
    let freed = free_all_but(connection, worker, json_list(damaged.rows())).await?;
    commit(connection).await?;
    Ok(freed)
}

pub(super) async fn release_strays(
    connection: &mut SqliteConnection,
    worker: WorkerId,
    residents: Vec<i64>,
) -> Result<u64, sqlx::Error> {
    let kept = json_list(residents.iter().copied());
    match free_all_but(connection, worker, kept).await {
        Err(error) => {
            let damaged = Damaged::find(connection, error).await?;
            let kept = json_list(residents.into_iter().chain(damaged.rows()));
            free_all_but(connection, worker, kept).await
        }
        freed => freed,
    }
}

/// Frees the runs of a worker, but for some.
async fn free_all_but(
    connection: &mut SqliteConnection,
    worker: WorkerId,
    but: String,
) -> Result<u64, sqlx::Error> {
    let freed = sqlx::query(
        "UPDATE runs SET owner = NULL, due = 0 \
         WHERE owner = ? AND run NOT IN (SELECT value FROM json_each(?))",
    )
    .bind(worker.get())
    .bind(but)
    .execute(connection)
    .await?;
    Ok(freed.rows_affected())
}

pub(super) async fn anything_to_reap(
    connection: &mut SqliteConnection,
    now: Timestamp,
) -> Result<bool, sqlx::Error> {
    let sql = format!(
        "SELECT EXISTS (SELECT 1 FROM workers WHERE lease_until < ?1) \
         OR EXISTS (SELECT 1 FROM runs WHERE {ORPHANS}) \
         OR EXISTS (SELECT 1 FROM batches WHERE coalesce(gone, 0) < ?2 AND worker > 0 \
         AND worker NOT IN (SELECT worker FROM workers)) \
         OR EXISTS (SELECT 1 FROM batches WHERE worker < 0 AND number < ?2)"
    );
    sqlx::query_scalar(sqlx::AssertSqlSafe(sql))
        .bind(now.as_micros())
        .bind(rules::forgotten(now).as_micros())
        .fetch_one(connection)
        .await
}

pub(super) async fn reap(
    connection: &mut SqliteConnection,
    now: Timestamp,
) -> Result<u64, sqlx::Error> {
    match bury(connection, now, &Damaged::default()).await {
        Err(error) => {
            let damaged = Damaged::find(connection, error).await?;
            bury(connection, now, &damaged).await
        }
        freed => freed,
    }
}

/// Frees the runs of workers that died: those that held the lock file which nobody else holds now.
pub(super) async fn take_over(
    connection: &mut SqliteConnection,
    lock: i64,
) -> Result<(), sqlx::Error> {
    let ended = Timestamp::MIN;
    // Version 1 did not say which lock file a worker held.
    sqlx::query("UPDATE workers SET lease_until = ? WHERE coalesce(lock, ?2) = ?2")
        .bind(ended.as_micros())
        .bind(lock)
        .execute(&mut *connection)
        .await?;
    reap(connection, ended.after(Duration::from_micros(1))).await?;
    Ok(())
}

/// Removes the workers whose lease ended before `now`, counts their deaths for their runs and frees these.
async fn bury(
    connection: &mut SqliteConnection,
    now: Timestamp,
    damaged: &Damaged,
) -> Result<u64, sqlx::Error> {
    begin(connection).await?;
    sqlx::query(BLAME)
        .bind(now.as_micros())
        .bind(json_list(damaged.rows_and_journals()))
        .execute(&mut *connection)
        .await?;
    sqlx::query("DELETE FROM workers WHERE lease_until < ?")
        .bind(now.as_micros())
        .execute(&mut *connection)
        .await?;
    let sql = format!(
        "UPDATE runs SET owner = NULL, due = 0 \
         WHERE {ORPHANS} AND run NOT IN (SELECT value FROM json_each(?))"
    );
    let freed = sqlx::query(sqlx::AssertSqlSafe(sql))
        .bind(json_list(damaged.rows()))
        .execute(&mut *connection)
        .await?;
    forget_batches(connection, now).await?;
    commit(connection).await?;
    Ok(freed.rows_affected())
}

/// What workers that are gone have sent last is remembered for a while: one that is alive may send it again.
/// No row says whether a client lives; what it has sent last is remembered as long, by the time that is its
/// number.
async fn forget_batches(
    connection: &mut SqliteConnection,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "UPDATE batches SET gone = ? \
         WHERE gone IS NULL AND worker > 0 AND worker NOT IN (SELECT worker FROM workers)",
    )
    .bind(now.as_micros())
    .execute(&mut *connection)
    .await?;
    sqlx::query("DELETE FROM batches WHERE gone < ?1 OR (worker < 0 AND number < ?1)")
        .bind(rules::forgotten(now).as_micros())
        .execute(connection)
        .await?;
    Ok(())
}
