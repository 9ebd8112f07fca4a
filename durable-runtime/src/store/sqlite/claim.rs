//! Claiming runs that are due.

use std::collections::HashMap;

use sqlx::{Row, SqliteConnection, sqlite::SqliteRow};

use super::{
    convert::{self, unreadable},
    parked::parked,
    statement::json_list,
    worker::no_trial,
    writer::{begin, commit},
};
use crate::{
    journal::{Epoch, Event, RunId, RunKey, Timestamp},
    status::Status,
    store::{Claim, Claimed, LoadedRun, Mail, rules},
};

/// The condition that worker `?1` may take a suspect at the time `?2`.
macro_rules! may_try {
    () => {
        concat!(
            "EXISTS (SELECT 1 FROM workers AS w WHERE w.worker = ?1 \
             AND (w.trial IS NULL OR w.trial_until <= ?2 OR ",
            no_trial!(),
            "))"
        )
    };
}

/// Whether worker `w` can drive a workflow.
macro_rules! drives {
    ($workflow:literal) => {
        concat!(
            "(w.workflows IS NULL OR ",
            $workflow,
            " IN (SELECT value FROM json_each(w.workflows)))"
        )
    };
}

pub(super) use drives;

/// The workflows whose runs worker `?1` may take, as `mine`: of those that unowned runs wait for, the ones
/// it can drive, and the ones that nobody can, so that somebody says so. The names are found by jumping
/// through the index from one to the next: what a claim costs does not depend on how many runs wait for
/// other workers.
macro_rules! mine {
    () => {
        concat!(
            "WITH RECURSIVE waiting (workflow) AS (\
             SELECT min(workflow) FROM runs WHERE due IS NOT NULL UNION ALL \
             SELECT (SELECT min(r.workflow) FROM runs AS r \
             WHERE r.due IS NOT NULL AND r.workflow > n.workflow) \
             FROM waiting AS n WHERE n.workflow IS NOT NULL), \
             mine AS (SELECT n.workflow FROM waiting AS n WHERE n.workflow IS NOT NULL \
             AND (EXISTS (SELECT 1 FROM workers AS w WHERE w.worker = ?1 AND ",
            drives!("n.workflow"),
            ") OR NOT EXISTS (SELECT 1 FROM workers AS w WHERE ",
            drives!("n.workflow"),
            "))) "
        )
    };
}

/// When the first run is due that the worker may take. A run with a due time has no owner. `3` is
/// `record::SUSPECT_DEATHS`.
const NEXT_DUE: &str = concat!(
    mine!(),
    "SELECT min(due) FROM (SELECT (SELECT due FROM runs AS r WHERE r.workflow = m.workflow \
     AND r.due IS NOT NULL AND r.deaths < 3 ORDER BY r.due LIMIT 1) AS due FROM mine AS m \
     UNION ALL SELECT (SELECT due FROM runs AS r WHERE r.workflow = m.workflow \
     AND r.due IS NOT NULL AND r.deaths >= 3 ORDER BY r.due LIMIT 1) FROM mine AS m WHERE ",
    may_try!(),
    ")"
);

const MINE: &str = concat!(mine!(), "SELECT workflow FROM mine");

/// The runs of one workflow that are due. A worker that was retired takes nothing: nobody would free its
/// runs again.
const DUE: &str = "SELECT due, run FROM runs WHERE workflow = ? AND due IS NOT NULL AND due <= ? \
     AND deaths < 3 AND EXISTS (SELECT 1 FROM workers WHERE worker = ?) ORDER BY due, run LIMIT ?";

const SUSPECT: &str = concat!(
    mine!(),
    "SELECT run FROM runs WHERE workflow IN mine AND due IS NOT NULL AND due <= ?2 AND deaths >= 3 AND ",
    may_try!(),
    " ORDER BY due, run LIMIT 1"
);

pub(super) async fn next_due(
    connection: &mut SqliteConnection,
    claim: Claim,
) -> Result<Option<Timestamp>, sqlx::Error> {
    let due: Option<i64> = sqlx::query_scalar(NEXT_DUE)
        .bind(claim.worker.get())
        .bind(claim.now.as_micros())
        .fetch_one(connection)
        .await?;
    Ok(due.map(Timestamp::from_micros))
}

pub(super) async fn claim(
    connection: &mut SqliteConnection,
    claim: Claim,
) -> Result<Claimed, sqlx::Error> {
    begin(connection).await?;
    let due = due(connection, &claim).await?;
    let mut keys = fitting(connection, &due).await?;
    if keys.len() == due.len() && keys.len() < claim.limit {
        keys.extend(put_on_trial(connection, &claim).await?);
    }
    let runs = take_and_load(connection, &claim, keys).await?;
    let next_due = next_due(connection, claim).await?;
    Ok(Claimed { runs, next_due })
}

/// Whether there is a parked run that the worker has not parked itself.
pub(super) async fn any_parked(
    connection: &mut SqliteConnection,
    claim: Claim,
) -> Result<bool, sqlx::Error> {
    let one = Claim { limit: 1, ..claim };
    Ok(!parked(connection, &one).await?.is_empty())
}

pub(super) async fn claim_parked(
    connection: &mut SqliteConnection,
    claim: Claim,
) -> Result<Vec<LoadedRun>, sqlx::Error> {
    begin(connection).await?;
    let parked = parked(connection, &claim).await?;
    let keys = fitting(connection, &parked).await?;
    take_and_load(connection, &claim, keys).await
}

/// Takes runs, ends the transaction, and loads them: when that fails, whose they are tells of which runs.
async fn take_and_load(
    connection: &mut SqliteConnection,
    claim: &Claim,
    keys: Vec<i64>,
) -> Result<Vec<LoadedRun>, sqlx::Error> {
    let keys = json_list(keys);
    let rows = rows(connection, &keys).await?;
    take(connection, claim, &keys).await?;
    commit(connection).await?;
    let mut events = journals(connection, &keys).await?;
    let mut mail = mailboxes(connection, &keys).await?;
    let mut runs = Vec::with_capacity(rows.len());
    for row in &rows {
        let key = row.try_get(0)?;
        match loaded(row, events.remove(&key), mail.remove(&key)) {
            Ok(run) => runs.push(run),
            Err(error) => park(connection, key, claim, &error.to_string()).await?,
        }
    }
    Ok(runs)
}

/// The runs that are due, longest due first.
async fn due(connection: &mut SqliteConnection, claim: &Claim) -> Result<Vec<i64>, sqlx::Error> {
    let mine: Vec<String> = sqlx::query_scalar(MINE)
        .bind(claim.worker.get())
        .fetch_all(&mut *connection)
        .await?;
    let mut due: Vec<(i64, i64)> = Vec::new();
    for workflow in mine {
        let of_workflow: Vec<(i64, i64)> = sqlx::query_as(DUE)
            .bind(workflow)
            .bind(claim.now.as_micros())
            .bind(claim.worker.get())
            .bind(limit(claim))
            .fetch_all(&mut *connection)
            .await?;
        due.extend(of_workflow);
    }
    due.sort_unstable();
    due.truncate(claim.limit);
    Ok(due.into_iter().map(|(_, run)| run).collect())
}

/// Those of the runs, from the first, that are not too much to load together.
async fn fitting(connection: &mut SqliteConnection, runs: &[i64]) -> Result<Vec<i64>, sqlx::Error> {
    // SQLite knows the length of a blob without reading it.
    let bytes: Vec<i64> = sqlx::query_scalar(
        "SELECT coalesce((SELECT length(input) FROM runs WHERE run = w.value), 0) \
         + coalesce((SELECT sum(length(data)) FROM journal WHERE run = w.value), 0) \
         + coalesce((SELECT sum(length(data)) FROM mailbox WHERE run = w.value), 0) \
         FROM json_each(?) AS w ORDER BY w.key",
    )
    .bind(json_list(runs.iter().copied()))
    .fetch_all(connection)
    .await?;
    let bytes = bytes
        .into_iter()
        .map(|bytes| usize::try_from(bytes).unwrap_or(0));
    Ok(runs[..rules::fitting(bytes)].to_vec())
}

fn limit(claim: &Claim) -> i64 {
    i64::try_from(claim.limit).unwrap_or(i64::MAX)
}

/// Takes at most one suspect, unless the worker has one on trial.
async fn put_on_trial(
    connection: &mut SqliteConnection,
    claim: &Claim,
) -> Result<Option<i64>, sqlx::Error> {
    let suspect: Option<i64> = sqlx::query_scalar(SUSPECT)
        .bind(claim.worker.get())
        .bind(claim.now.as_micros())
        .fetch_optional(&mut *connection)
        .await?;
    if let Some(suspect) = suspect {
        sqlx::query("UPDATE workers SET trial = ?, trial_until = ? WHERE worker = ?")
            .bind(suspect)
            .bind(claim.now.after(rules::TRIAL).as_micros())
            .bind(claim.worker.get())
            .execute(connection)
            .await?;
    }
    Ok(suspect)
}

/// The rows of runs, in the order of the list.
async fn rows(
    connection: &mut SqliteConnection,
    keys: &str,
) -> Result<Vec<SqliteRow>, sqlx::Error> {
    sqlx::query(
        "SELECT r.run, r.id, r.workflow, r.status, r.epoch, r.input, r.seed, r.parent, r.parent_step, \
         r.created_at, r.deaths FROM json_each(?) AS taken CROSS JOIN runs AS r ON r.run = taken.value \
         ORDER BY taken.key",
    )
    .bind(keys)
    .fetch_all(connection)
    .await
}

async fn take(
    connection: &mut SqliteConnection,
    claim: &Claim,
    keys: &str,
) -> Result<(), sqlx::Error> {
    // 0 pending, 1 running, 8 parked.
    sqlx::query(
        "UPDATE runs SET owner = ?, epoch = epoch + 1, due = NULL, reason = NULL, updated_at = ?, \
         status = CASE WHEN status IN (0, 8) THEN 1 ELSE status END \
         WHERE run IN (SELECT value FROM json_each(?))",
    )
    .bind(claim.worker.get())
    .bind(claim.now.as_micros())
    .bind(keys)
    .execute(connection)
    .await?;
    Ok(())
}

type Loaded<T> = HashMap<i64, Result<Vec<T>, sqlx::Error>>;

async fn journals(
    connection: &mut SqliteConnection,
    keys: &str,
) -> Result<Loaded<Event>, sqlx::Error> {
    let rows = sqlx::query(
        "SELECT run, kind, step, data, at, position FROM journal \
         WHERE run IN (SELECT value FROM json_each(?)) ORDER BY run, position",
    )
    .bind(keys)
    .fetch_all(connection)
    .await?;
    let mut journals = Loaded::<Event>::new();
    for row in &rows {
        let journal = journals
            .entry(row.try_get(0)?)
            .or_insert_with(|| Ok(Vec::new()));
        let Ok(events) = journal else { continue };
        let position: i64 = row.try_get(5)?;
        if usize::try_from(position) != Ok(events.len()) {
            let missing = events.len();
            *journal = Err(unreadable(format_args!("position {missing} is missing")));
            continue;
        }
        match convert::event(row, 1) {
            Ok(event) => events.push(event),
            Err(error) => {
                *journal = Err(unreadable(format_args!("position {position}: {error}")));
            }
        }
    }
    Ok(journals)
}

async fn mailboxes(
    connection: &mut SqliteConnection,
    keys: &str,
) -> Result<Loaded<Mail>, sqlx::Error> {
    let rows = sqlx::query(
        "SELECT run, mail, kind, name, data, ok FROM mailbox \
         WHERE run IN (SELECT value FROM json_each(?)) ORDER BY mail",
    )
    .bind(keys)
    .fetch_all(connection)
    .await?;
    let mut mailboxes = Loaded::<Mail>::new();
    for row in &rows {
        let mailbox = mailboxes
            .entry(row.try_get(0)?)
            .or_insert_with(|| Ok(Vec::new()));
        let Ok(mail) = mailbox else { continue };
        match convert::mail(row, 1) {
            Ok(piece) => mail.push(piece),
            Err(error) => *mailbox = Err(error),
        }
    }
    Ok(mailboxes)
}

fn loaded(
    row: &SqliteRow,
    events: Option<Result<Vec<Event>, sqlx::Error>>,
    mail: Option<Result<Vec<Mail>, sqlx::Error>>,
) -> Result<LoadedRun, sqlx::Error> {
    let epoch = Epoch::new(row.try_get::<i64, _>(4)? + 1);
    let events = events.unwrap_or_else(|| Ok(Vec::new()))?;
    rules::check_journal(epoch, &events).map_err(unreadable)?;
    Ok(LoadedRun {
        run: RunKey::new(row.try_get(0)?),
        id: RunId::from_recorded(row.try_get(1)?),
        workflow: row.try_get(2)?,
        status: convert::status(row.try_get(3)?)?,
        epoch,
        input: convert::payload(row, 5)?,
        seed: row.try_get(6)?,
        parent: convert::parent(row, 7)?,
        created_at: Timestamp::from_micros(row.try_get(9)?),
        deaths: row.try_get(10)?,
        events,
        mail: mail.unwrap_or_else(|| Ok(Vec::new()))?,
    })
}

/// A run that cannot be read stands aside, with the reason in its row; the others go on.
async fn park(
    connection: &mut SqliteConnection,
    run: i64,
    claim: &Claim,
    cause: &str,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "UPDATE runs SET status = ?, owner = NULL, due = NULL, reason = ?, updated_at = ?, \
         parked_by = coalesce(parked_by, ',') || owner || ',' WHERE run = ? AND owner = ?",
    )
    .bind(Status::Parked.code())
    .bind(format!("run {run} cannot be loaded: {cause}"))
    .bind(claim.now.as_micros())
    .bind(run)
    .bind(claim.worker.get())
    .execute(connection)
    .await?;
    Ok(())
}
