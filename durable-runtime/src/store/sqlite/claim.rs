//! Claiming runs that are due.

use std::collections::HashMap;

use sqlx::{Row, SqliteConnection, sqlite::SqliteRow};

use super::{
    convert::{self, unreadable},
    statement::json_list,
    worker::no_trial,
    writer::{begin, commit},
};
use crate::{
    journal::{Epoch, Event, RunId, RunKey, Timestamp},
    status::Status,
    store::{Claim, Claimed, LoadedRun, Mail, rules},
};

/// The condition that a worker, who is bound with the time, may take a suspect.
macro_rules! may_try {
    () => {
        concat!(
            "EXISTS (SELECT 1 FROM workers AS w WHERE w.worker = ? \
             AND (w.trial IS NULL OR w.trial_until <= ? OR ",
            no_trial!(),
            "))"
        )
    };
}

/// When the first run is due that the worker may take. A run with a due time has no owner. `3` is
/// [`rules::SUSPECT_DEATHS`].
const NEXT_DUE: &str = concat!(
    "SELECT min(due) FROM (SELECT * FROM (SELECT due FROM runs \
     WHERE due IS NOT NULL AND deaths < 3 ORDER BY due LIMIT 1) \
     UNION ALL SELECT * FROM (SELECT due FROM runs WHERE due IS NOT NULL AND deaths >= 3 AND ",
    may_try!(),
    " ORDER BY due LIMIT 1))"
);

/// A worker that was retired takes nothing: nobody would free its runs again.
const DUE: &str = "SELECT run, id, workflow, status, epoch, input, seed, parent, parent_step, \
     created_at, deaths FROM runs WHERE due IS NOT NULL AND due <= ? AND deaths < 3 \
     AND EXISTS (SELECT 1 FROM workers WHERE worker = ?) ORDER BY due, run LIMIT ?";

const SUSPECT: &str = concat!(
    "SELECT run, id, workflow, status, epoch, input, seed, parent, parent_step, created_at, deaths \
     FROM runs WHERE due IS NOT NULL AND due <= ? AND deaths >= 3 AND ",
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
    let mut rows = due(connection, &claim).await?;
    if rows.len() < claim.limit {
        rows.extend(put_on_trial(connection, &claim).await?);
    }
    let runs = take_and_load(connection, &claim, &rows).await?;
    let next_due = next_due(connection, claim).await?;
    commit(connection).await?;
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
    let rows = parked(connection, &claim).await?;
    let runs = take_and_load(connection, &claim, &rows).await?;
    commit(connection).await?;
    Ok(runs)
}

async fn take_and_load(
    connection: &mut SqliteConnection,
    claim: &Claim,
    rows: &[SqliteRow],
) -> Result<Vec<LoadedRun>, sqlx::Error> {
    let keys = rows
        .iter()
        .map(|row| row.try_get(0))
        .collect::<Result<Vec<i64>, _>>()?;
    let keys = json_list(keys);
    take(connection, claim, &keys).await?;
    let mut events = journals(connection, &keys).await?;
    let mut mail = mailboxes(connection, &keys).await?;
    let mut runs = Vec::with_capacity(rows.len());
    for row in rows {
        let key = row.try_get(0)?;
        match loaded(row, events.remove(&key), mail.remove(&key)) {
            Ok(run) => runs.push(run),
            Err(error) => park(connection, key, claim, &error.to_string()).await?,
        }
    }
    Ok(runs)
}

async fn due(
    connection: &mut SqliteConnection,
    claim: &Claim,
) -> Result<Vec<SqliteRow>, sqlx::Error> {
    sqlx::query(DUE)
        .bind(claim.now.as_micros())
        .bind(claim.worker.get())
        .bind(i64::try_from(claim.limit).unwrap_or(i64::MAX))
        .fetch_all(connection)
        .await
}

/// Takes at most one suspect, unless the worker has one on trial.
async fn put_on_trial(
    connection: &mut SqliteConnection,
    claim: &Claim,
) -> Result<Option<SqliteRow>, sqlx::Error> {
    let suspect = sqlx::query(SUSPECT)
        .bind(claim.now.as_micros())
        .bind(claim.worker.get())
        .bind(claim.now.as_micros())
        .fetch_optional(&mut *connection)
        .await?;
    if let Some(suspect) = &suspect {
        sqlx::query("UPDATE workers SET trial = ?, trial_until = ? WHERE worker = ?")
            .bind(suspect.try_get::<i64, _>(0)?)
            .bind(claim.now.after(rules::TRIAL).as_micros())
            .bind(claim.worker.get())
            .execute(connection)
            .await?;
    }
    Ok(suspect)
}

async fn parked(
    connection: &mut SqliteConnection,
    claim: &Claim,
) -> Result<Vec<SqliteRow>, sqlx::Error> {
    // `status <> 4` names the partial index.
    sqlx::query(
        "SELECT run, id, workflow, status, epoch, input, seed, parent, parent_step, created_at, \
         deaths FROM runs WHERE status = 8 AND status <> 4 AND owner IS NULL \
         AND instr(coalesce(parked_by, ''), ?) = 0 \
         AND EXISTS (SELECT 1 FROM workers WHERE worker = ?) ORDER BY run LIMIT ?",
    )
    .bind(format!(",{},", claim.worker.get()))
    .bind(claim.worker.get())
    .bind(i64::try_from(claim.limit).unwrap_or(i64::MAX))
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
            Err(error) => {
                *mailbox = Err(unreadable(format_args!(
                    "its mailbox cannot be read: {error}"
                )));
            }
        }
    }
    Ok(mailboxes)
}

fn loaded(
    row: &SqliteRow,
    events: Option<Result<Vec<Event>, sqlx::Error>>,
    mail: Option<Result<Vec<Mail>, sqlx::Error>>,
) -> Result<LoadedRun, sqlx::Error> {
    Ok(LoadedRun {
        run: RunKey::new(row.try_get(0)?),
        id: RunId::from_recorded(row.try_get(1)?),
        workflow: row.try_get(2)?,
        status: convert::status(row.try_get(3)?)?,
        epoch: Epoch::new(row.try_get::<i64, _>(4)? + 1),
        input: convert::payload(row, 5)?,
        seed: row.try_get(6)?,
        parent: convert::parent(row, 7)?,
        created_at: Timestamp::from_micros(row.try_get(9)?),
        deaths: row.try_get(10)?,
        events: events.unwrap_or_else(|| Ok(Vec::new()))?,
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
         parked_by = coalesce(parked_by, ',') || owner || ',' WHERE run = ?",
    )
    .bind(Status::Parked.code())
    .bind(format!("run {run} cannot be loaded: {cause}"))
    .bind(claim.now.as_micros())
    .bind(run)
    .execute(connection)
    .await?;
    Ok(())
}
