//! Loading runs that were taken.

use std::collections::HashMap;

use sqlx::{Row, SqliteConnection, sqlite::SqliteRow};

use super::{
    claim::Chosen,
    convert::{self, unreadable},
    statement::json_list,
};
use crate::{
    journal::{Epoch, Event, RunId, RunKey, Timestamp},
    status::Status,
    store::{Claim, LoadedRun, Mail, rules},
};

/// Loads runs, in the order of the list. One that does not make sense is parked.
pub(super) async fn load(
    connection: &mut SqliteConnection,
    claim: &Claim,
    taken: &[Chosen],
) -> Result<Vec<LoadedRun>, sqlx::Error> {
    let keys = json_list(taken.iter().map(|(run, _)| *run));
    let before: HashMap<i64, i64> = taken.iter().copied().collect();
    let rows = rows(connection, claim, &keys).await?;
    let mut events = journals(connection, &keys).await?;
    let mut mail = mailboxes(connection, &keys).await?;
    let mut runs = Vec::with_capacity(rows.len());
    for row in &rows {
        let key: i64 = row.try_get(0)?;
        let status = before.get(&key).copied().unwrap_or_default();
        match loaded(row, status, events.remove(&key), mail.remove(&key)) {
            Ok(run) => runs.push(run),
            Err(error) => park(connection, key, claim, &error.to_string()).await?,
        }
    }
    Ok(runs)
}

/// The rows of runs that are the worker's, in the order of the list.
async fn rows(
    connection: &mut SqliteConnection,
    claim: &Claim,
    keys: &str,
) -> Result<Vec<SqliteRow>, sqlx::Error> {
    sqlx::query(
        "SELECT r.run, r.id, r.workflow, r.epoch, r.input, r.seed, r.parent, r.parent_step, \
         r.created_at, r.deaths FROM json_each(?) AS taken CROSS JOIN runs AS r ON r.run = taken.value \
         AND r.owner = ? ORDER BY taken.key",
    )
    .bind(keys)
    .bind(claim.worker.get())
    .fetch_all(connection)
    .await
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
    status: i64,
    events: Option<Result<Vec<Event>, sqlx::Error>>,
    mail: Option<Result<Vec<Mail>, sqlx::Error>>,
) -> Result<LoadedRun, sqlx::Error> {
    let epoch = Epoch::new(row.try_get(3)?);
    let events = events.unwrap_or_else(|| Ok(Vec::new()))?;
    rules::check_journal(epoch, &events).map_err(unreadable)?;
    Ok(LoadedRun {
        run: RunKey::new(row.try_get(0)?),
        id: RunId::from_recorded(row.try_get(1)?),
        workflow: row.try_get(2)?,
        status: convert::status(status)?,
        epoch,
        input: convert::payload(row, 4)?,
        seed: row.try_get(5)?,
        parent: convert::parent(row, 6)?,
        created_at: Timestamp::from_micros(row.try_get(8)?),
        deaths: row.try_get(9)?,
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
