//! Workers and their leases.

use std::{sync::Arc, time::Duration};

use sqlx::{AssertSqlSafe, Executor, PgConnection, PgExecutor, Row, postgres::PgRow};

use super::{
    connect::quoted,
    owners::{IS_GONE, OWNERS, Owners},
    pool::Pool,
    presence::{Lost, Proof},
    process,
};
use crate::{
    clock::{Asked, DatabaseClock, Reading},
    journal::{RunKey, Timestamp, WorkerId},
    store::{NewWorker, rules},
};

/// The condition that worker `w` has no run on trial: that it has let go of it, or that the run's
/// journal has grown since the last death.
macro_rules! no_trial {
    () => {
        "NOT EXISTS (SELECT FROM runs AS t WHERE t.run = w.trial AND t.owner = w.worker \
         AND t.died_at = (SELECT coalesce(max(j.position), -1) FROM journal AS j WHERE j.run = t.run))"
    };
}
pub(super) use no_trial;

/// Removes the workers that a condition says are dead, and counts their deaths: for the run on trial alone,
/// if there is one. A worker whose row is locked is about to claim or to renew its lease: it is alive.
macro_rules! bury {
    ($is_dead:expr) => {
        concat!(
    "WITH dead AS MATERIALIZED (SELECT worker, trial FROM workers WHERE ",
    $is_dead,
    " ORDER BY worker FOR UPDATE SKIP LOCKED), \
     held AS MATERIALIZED (SELECT r.run FROM dead AS w JOIN runs AS r ON r.owner = w.worker \
     WHERE w.trial = r.run OR ",
    no_trial!(),
    " ORDER BY r.run FOR NO KEY UPDATE OF r SKIP LOCKED), \
     blamed AS (UPDATE runs AS r SET died_at = l.last, \
     deaths = CASE WHEN r.died_at = l.last THEN r.deaths + 1 ELSE 1 END \
     FROM (SELECT h.run, coalesce((SELECT max(j.position) FROM journal AS j WHERE j.run = h.run), -1) \
     AS last FROM held AS h) AS l WHERE r.run = l.run) \
     DELETE FROM workers AS w USING dead AS d WHERE w.worker = d.worker"
        )
    };
}

const BURY_ENDED: &str = bury!("lease_until < $1");

/// The time by the server's clock.
macro_rules! clock {
    () => {
        "(extract(EPOCH FROM clock_timestamp()) * 1000000)::BIGINT"
    };
}

/// When the server was started. It tells servers apart, also a standby from the primary it replaces.
macro_rules! server {
    () => {
        "(extract(EPOCH FROM pg_postmaster_start_time()) * 1000000)::BIGINT"
    };
}

/// The condition that a worker's session on server `$1` has ended: others can have its lock.
macro_rules! is_lost {
    () => {
        "session IS NOT NULL AND server = $1 AND pg_try_advisory_xact_lock_shared(session)"
    };
}

/// What tells workers that clients listen: each holds it, shared, on its listening connection.
macro_rules! listening {
    ($schema:literal) => {
        concat!("(hashtext('durable clients'), hashtext(", $schema, "))")
    };
}

pub(super) const LISTEN_AS_CLIENT: &str =
    concat!("SELECT pg_advisory_lock_shared", listening!("$1"), "::TEXT");

/// Whether clients listen.
pub(super) const CLIENTS_LISTEN: &str =
    concat!("SELECT NOT pg_try_advisory_xact_lock", listening!("$1"));

pub(super) const TAKE_LOCK: &str = concat!("SELECT pg_advisory_lock($1)::TEXT, ", server!());

/// Whether lock `$1` is held by somebody, on server `$2`.
pub(super) const IS_HELD: &str = concat!(
    "SELECT NOT pg_try_advisory_xact_lock_shared($1) AND $2 = ",
    server!()
);

const LOST: &str = concat!("SELECT session, process FROM workers WHERE ", is_lost!());

const BURY_LOST: &str = bury!(concat!("session = ANY ($2) AND ", is_lost!()));

/// What each heartbeat brings along: the database's time, and how many workers are registered.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pulse {
    pub(super) reading: Reading,
    pub(super) workers: i64,
}

const PULSE: &str = concat!(clock!(), ", (SELECT count(*) FROM workers)");

impl Pulse {
    fn read(asked: Asked, row: &PgRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            reading: asked.answered(Timestamp::from_micros(row.try_get(0)?)),
            workers: row.try_get(1)?,
        })
    }
}

/// How often a process without heartbeats looks what time it is.
const LOOK_AT_THE_CLOCK: Duration = Duration::from_secs(60);

/// Corrects the clock of a process without heartbeats, as long as it is polled.
pub(super) async fn keep_time(clock: Arc<DatabaseClock>, pool: Arc<Pool>) {
    loop {
        tokio::time::sleep(LOOK_AT_THE_CLOCK).await;
        // It goes on as it is, and is corrected another time.
        if let Ok(reading) = pool.run(Box::new(|c| Box::pin(time(c)))).await {
            clock.correct(reading);
        }
    }
}

/// The time by the server's clock.
pub(super) async fn time(connection: &mut PgConnection) -> Result<Reading, sqlx::Error> {
    let asked = Asked::now();
    let time = sqlx::query_scalar(concat!("SELECT ", clock!()))
        .fetch_one(connection)
        .await?;
    Ok(asked.answered(Timestamp::from_micros(time)))
}

/// Takes the pulse without a heartbeat.
pub(super) async fn pulse(connection: &mut PgConnection) -> Result<Pulse, sqlx::Error> {
    let asked = Asked::now();
    let row = sqlx::query(AssertSqlSafe(format!("SELECT {PULSE}")))
        .fetch_one(connection)
        .await?;
    Pulse::read(asked, &row)
}

pub(super) async fn register(
    connection: &mut PgConnection,
    new: NewWorker,
    proof: Option<Proof>,
) -> Result<WorkerId, sqlx::Error> {
    let worker = sqlx::query_scalar(
        "INSERT INTO workers (lease_until, workflows, session, server, process) \
         VALUES ($1, $2, $3, $4, $5) RETURNING worker",
    )
    .bind(new.lease_until.as_micros())
    .bind(new.workflows)
    .bind(proof.map(|proof| proof.lock))
    .bind(proof.map(|proof| proof.server))
    .bind(process::name())
    .fetch_one(connection)
    .await?;
    Ok(WorkerId::new(worker))
}

/// Has the rows of workers say how others notice that their process is gone.
pub(super) async fn show(
    connection: impl PgExecutor<'_>,
    schema: &str,
    workers: &[WorkerId],
    proof: Proof,
) -> Result<(), sqlx::Error> {
    let workers: Vec<i64> = workers.iter().map(|worker| worker.get()).collect();
    let schema = quoted(schema);
    let sql =
        format!("UPDATE {schema}.workers SET session = $1, server = $2 WHERE worker = ANY ($3)");
    sqlx::query(AssertSqlSafe(sql))
        .bind(proof.lock)
        .bind(proof.server)
        .bind(workers)
        .execute(connection)
        .await?;
    Ok(())
}

/// Has the rows say no longer what they said.
pub(super) async fn withdraw(
    connection: &mut PgConnection,
    proof: Proof,
) -> Result<(), sqlx::Error> {
    sqlx::query("UPDATE workers SET session = NULL WHERE session = $1 AND server = $2")
        .bind(proof.lock)
        .bind(proof.server)
        .execute(connection)
        .await?;
    Ok(())
}

/// `None` when the worker is gone.
pub(super) async fn renew(
    connection: &mut PgConnection,
    worker: WorkerId,
    lease_until: Timestamp,
    proof: Option<Proof>,
) -> Result<Option<Pulse>, sqlx::Error> {
    let sql = format!(
        "UPDATE workers SET lease_until = $1, session = $3, server = $4 \
         WHERE worker = $2 RETURNING {PULSE}"
    );
    let asked = Asked::now();
    let row = sqlx::query(AssertSqlSafe(sql))
        .bind(lease_until.as_micros())
        .bind(worker.get())
        .bind(proof.map(|proof| proof.lock))
        .bind(proof.map(|proof| proof.server))
        .fetch_optional(connection)
        .await?;
    row.map(|row| Pulse::read(asked, &row)).transpose()
}

pub(super) async fn leases(
    connection: &mut PgConnection,
) -> Result<Vec<(WorkerId, Timestamp)>, sqlx::Error> {
    let leases: Vec<(i64, i64)> = sqlx::query_as("SELECT worker, lease_until FROM workers")
        .fetch_all(connection)
        .await?;
    let lease = |(worker, until)| (WorkerId::new(worker), Timestamp::from_micros(until));
    Ok(leases.into_iter().map(lease).collect())
}

pub(super) async fn end_leases(
    connection: &mut PgConnection,
    leases: Vec<(WorkerId, Timestamp)>,
) -> Result<(), sqlx::Error> {
    let leases = leases
        .iter()
        .map(|(worker, until)| (worker.get(), until.as_micros()));
    let (workers, until): (Vec<i64>, Vec<i64>) = leases.unzip();
    sqlx::query(
        "UPDATE workers AS w SET lease_until = $3 FROM unnest($1, $2) AS e (worker, until) \
         WHERE w.worker = e.worker AND w.lease_until = e.until",
    )
    .bind(workers)
    .bind(until)
    .bind(Timestamp::MIN.as_micros())
    .execute(connection)
    .await?;
    Ok(())
}

pub(super) async fn retire(
    connection: &mut PgConnection,
    worker: WorkerId,
) -> Result<u64, sqlx::Error> {
    // Two statements: the second sees what a claim under way took while the first waited for it. A run
    // whose row somebody keeps locked is freed by whoever reaps next.
    sqlx::query("DELETE FROM workers WHERE worker = $1")
        .bind(worker.get())
        .execute(&mut *connection)
        .await?;
    free_all_but(connection, worker, Vec::new()).await
}

pub(super) async fn release_strays(
    connection: &mut PgConnection,
    worker: WorkerId,
    residents: Vec<RunKey>,
) -> Result<u64, sqlx::Error> {
    let residents = residents.iter().map(|run| run.get()).collect();
    free_all_but(connection, worker, residents).await
}

pub(super) async fn reap(
    connection: &mut PgConnection,
    owners: &Owners,
    now: Timestamp,
) -> Result<u64, sqlx::Error> {
    let is_needed = format!(
        "SELECT EXISTS (SELECT FROM workers WHERE lease_until < $1) \
         OR EXISTS (SELECT FROM batches AS b WHERE {IS_TO_BE_FORGOTTEN}) \
         OR EXISTS (SELECT FROM sent_batches AS b WHERE {IS_TO_BE_FORGOTTEN}) \
         OR EXISTS (SELECT FROM sent_batches AS b WHERE {IS_SUPERSEDED})"
    );
    let is_needed: bool = sqlx::query_scalar(AssertSqlSafe(is_needed))
        .bind(now.as_micros())
        .bind(rules::forgotten(now).as_micros())
        .fetch_one(&mut *connection)
        .await?;
    if !is_needed && !owners.has_gone(connection).await? {
        return Ok(0);
    }
    sqlx::query(BURY_ENDED)
        .bind(now.as_micros())
        .execute(&mut *connection)
        .await?;
    forget_batches(connection, now).await?;
    free_gone(connection).await
}

/// The condition that a worker is not registered any more that has sent batch `b`.
const IS_OF_THE_GONE: &str =
    "b.worker > 0 AND NOT EXISTS (SELECT FROM workers AS w WHERE w.worker = b.worker)";

/// The condition that batch `b` is to be forgotten, or that it is to be noted that its worker has gone.
const IS_TO_BE_FORGOTTEN: &str = "CASE WHEN b.worker < 0 THEN b.number < $2 \
     ELSE coalesce(b.gone, 0) < $2 \
     AND NOT EXISTS (SELECT FROM workers AS w WHERE w.worker = b.worker) END";

/// The condition that its worker has sent so many batches after `b` that no try of that can be under way.
const IS_SUPERSEDED: &str = "EXISTS (SELECT FROM sent_batches AS l WHERE l.worker = b.worker \
     AND l.part = b.part + 64)";

/// What workers that are gone have sent last is remembered for a while: one that is alive may send it again.
/// No row says whether a client lives; what it has sent last is remembered as long, by the time that is its
/// number.
async fn forget_batches(connection: &mut PgConnection, now: Timestamp) -> Result<(), sqlx::Error> {
    for table in ["batches", "sent_batches"] {
        let sql = format!(
            "WITH forgotten AS (DELETE FROM {table} \
             WHERE gone < $2 OR (worker < 0 AND number < $2)) \
             UPDATE {table} AS b SET gone = $1 WHERE b.gone IS NULL AND {IS_OF_THE_GONE}"
        );
        sqlx::query(AssertSqlSafe(sql))
            .bind(now.as_micros())
            .bind(rules::forgotten(now).as_micros())
            .execute(&mut *connection)
            .await?;
    }
    let superseded = format!("DELETE FROM sent_batches AS b WHERE {IS_SUPERSEDED}");
    connection.execute(AssertSqlSafe(superseded)).await?;
    Ok(())
}

/// The sessions on a server that have ended, of workers that are registered.
pub(super) async fn lost(
    connection: &mut PgConnection,
    server: i64,
) -> Result<Vec<Lost>, sqlx::Error> {
    let lost = sqlx::query_as(LOST).bind(server);
    let lost: Vec<(i64, Option<String>)> = lost.fetch_all(connection).await?;
    let lost = lost.into_iter();
    Ok(lost.map(|(lock, process)| Lost { lock, process }).collect())
}

/// Buries the workers of these sessions, if they still are theirs and have ended. Gives how many runs
/// came free.
pub(super) async fn bury_lost(
    connection: &mut PgConnection,
    server: i64,
    sessions: Vec<i64>,
) -> Result<u64, sqlx::Error> {
    sqlx::query(BURY_LOST)
        .bind(server)
        .bind(sessions)
        .execute(&mut *connection)
        .await?;
    free_gone(connection).await
}

/// Frees the runs of workers that are not registered any more.
async fn free_gone(connection: &mut PgConnection) -> Result<u64, sqlx::Error> {
    // A statement of its own: it sees all that the dead have claimed.
    let gone = format!("r.owner IN (SELECT owner FROM owners WHERE {IS_GONE})");
    free(connection, &format!("{OWNERS}, "), &gone, None).await
}

/// Frees the runs of a worker, but for some.
async fn free_all_but(
    connection: &mut PgConnection,
    worker: WorkerId,
    but: Vec<i64>,
) -> Result<u64, sqlx::Error> {
    let own = "r.owner = $1 AND r.run NOT IN (SELECT unnest($2))";
    free(connection, "WITH ", own, Some((worker.get(), but))).await
}

/// Frees the runs of which `whose` is true: first those that nobody has locked, then the others, for which it
/// waits a moment. A run whose row somebody keeps locked is freed by whoever reaps next.
async fn free(
    connection: &mut PgConnection,
    with: &str,
    whose: &str,
    arguments: Option<(i64, Vec<i64>)>,
) -> Result<u64, sqlx::Error> {
    let free = |skip: &str| {
        let sql = AssertSqlSafe(format!(
            "{with} mine AS MATERIALIZED (SELECT r.run FROM runs AS r WHERE {whose} \
             ORDER BY r.run FOR NO KEY UPDATE OF r {skip}) \
             UPDATE runs AS r SET owner = NULL, due = nextval('due_numbers') FROM mine WHERE r.run = mine.run"
        ));
        match arguments.clone() {
            Some((worker, but)) => sqlx::query(sql).bind(worker).bind(but),
            None => sqlx::query(sql),
        }
    };
    let freed = free("SKIP LOCKED").execute(&mut *connection).await?;
    connection.execute("SET lock_timeout TO 1000").await?;
    let rest = match free("").execute(&mut *connection).await {
        Ok(rest) => rest.rows_affected(),
        Err(error) if is_locked(&error) => 0,
        Err(error) => return Err(error),
    };
    connection.execute("SET lock_timeout TO 0").await?;
    Ok(freed.rows_affected() + rest)
}

/// Whether it was waited in vain for a row that somebody else has locked.
fn is_locked(error: &sqlx::Error) -> bool {
    let error = error.as_database_error();
    error.is_some_and(|error| error.code().as_deref() == Some("55P03"))
}
