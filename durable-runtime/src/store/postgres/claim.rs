//! Claiming runs that are due.

use std::{collections::HashMap, time::Duration};

use sqlx::{PgConnection, Row, postgres::PgRow};

use super::{
    convert::{self, unreadable},
    heads::{Heads, LEFT, Seen, Stretch},
    search::{Ground, over},
    take::{TAKE_DUE, TAKE_ONE, TAKE_PARKED, TAKE_SUSPECT},
};
use crate::{
    journal::{Epoch, Event, Payload, RunId, RunKey, Timestamp},
    status::Status,
    store::{Claim, Claimed, LoadedRun, Mail, rules},
};

/// When to look again at runs that are due and locked.
const LOCKED_PAUSE: Duration = Duration::from_millis(20);

pub(super) async fn claim(
    connection: &mut PgConnection,
    heads: &Heads,
    claim: &Claim,
) -> Result<Claimed, sqlx::Error> {
    let mut ground = Ground::search(connection, heads, claim).await?;
    if claim.limit == 0 {
        heads.forget();
        return Ok(Claimed {
            runs: Vec::new(),
            next_due: ground.next_due(),
        });
    }
    let mut taken = Taken::default();
    if ground.is_due(claim.now) {
        taken = take(connection, claim, &ground).await?;
        let is_due = |seen: &Seen| seen.is_due(claim.now);
        ground.look(connection, claim, LEFT, is_due).await?;
    }
    let runs = load(connection, claim, &taken.rows).await?;
    let next_due = next_due(&ground, claim, taken.is_full);
    heads.learn(claim, ground.into_search());
    Ok(Claimed { runs, next_due })
}

/// When to look again.
fn next_due(ground: &Ground, claim: &Claim, is_full: bool) -> Option<Timestamp> {
    let mut next = ground.next_due();
    if !is_full {
        // What is due and was not taken is locked by somebody else, who may need a moment.
        next = next.map(|due| match due > claim.now {
            true => due,
            false => claim.now.after(LOCKED_PAUSE),
        });
    }
    next.into_iter().chain(ground.again()).min()
}

#[derive(Default)]
struct Taken {
    rows: Vec<PgRow>,
    /// Whether others may have been left.
    is_full: bool,
}

/// Takes what is due, and a suspect if there is room for one.
async fn take(
    connection: &mut PgConnection,
    claim: &Claim,
    ground: &Ground,
) -> Result<Taken, sqlx::Error> {
    let until = (claim.now.as_micros(), i64::MAX);
    let due = ground.seen.iter().filter(|seen| seen.is_due(claim.now));
    let stretches: Vec<Stretch> = due
        .map(|seen| {
            let rest = seen.rest();
            Stretch {
                to: rest.to.min(until),
                ..rest
            }
        })
        .collect();
    let mut rows = Vec::new();
    if !stretches.is_empty() {
        rows = over(TAKE_DUE, claim, &stretches, limit(claim))
            .fetch_all(&mut *connection)
            .await?;
    }
    // Others were locked and left for their size.
    let is_full = match rows.first() {
        Some(row) => row.try_get::<i64, _>(11)? > i64::try_from(rows.len()).unwrap_or(i64::MAX),
        None => false,
    };
    let is_full = is_full || rows.len() >= claim.limit;
    let suspect = ground.suspect.filter(|due| *due <= claim.now.as_micros());
    if !is_full && suspect.is_some() {
        rows.extend(put_on_trial(connection, claim, ground).await?);
    }
    // `RETURNING` has no order: longest due first.
    rows.sort_by_cached_key(|row| (row.try_get::<i64, _>(9).ok(), row.try_get::<i64, _>(0).ok()));
    Ok(Taken { rows, is_full })
}

pub(super) async fn claim_parked(
    connection: &mut PgConnection,
    claim: &Claim,
) -> Result<Vec<LoadedRun>, sqlx::Error> {
    let mut rows = sqlx::query(TAKE_PARKED)
        .bind(claim.worker.get())
        .bind(claim.now.as_micros())
        .bind(limit(claim))
        .fetch_all(&mut *connection)
        .await?;
    rows.sort_by_cached_key(|row| row.try_get::<i64, _>(0).ok());
    load(connection, claim, &rows).await
}

pub(super) async fn claim_run(
    connection: &mut PgConnection,
    claim: &Claim,
    run: RunKey,
) -> Result<Option<LoadedRun>, sqlx::Error> {
    let rows = sqlx::query(TAKE_ONE)
        .bind(claim.worker.get())
        .bind(claim.now.as_micros())
        .bind(run.get())
        .fetch_all(&mut *connection)
        .await?;
    let runs = load(connection, claim, &rows).await?;
    Ok(runs.into_iter().next())
}

fn limit(claim: &Claim) -> i64 {
    i64::try_from(claim.limit).unwrap_or(i64::MAX)
}

/// Takes at most one suspect, unless the worker has one on trial.
async fn put_on_trial(
    connection: &mut PgConnection,
    claim: &Claim,
    ground: &Ground,
) -> Result<Vec<PgRow>, sqlx::Error> {
    sqlx::query(TAKE_SUSPECT)
        .bind(claim.worker.get())
        .bind(claim.now.as_micros())
        .bind(&ground.workflows)
        .bind(claim.now.after(rules::TRIAL).as_micros())
        .fetch_all(connection)
        .await
}

/// Loads journals and mail of runs that are taken, in statements of their own: the one that took them
/// saw the database as it was before it got their locks, which another worker may have held to write.
async fn load(
    connection: &mut PgConnection,
    claim: &Claim,
    rows: &[PgRow],
) -> Result<Vec<LoadedRun>, sqlx::Error> {
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let keys = rows
        .iter()
        .map(|row| row.try_get(0))
        .collect::<Result<Vec<i64>, _>>()?;
    let mut events = journals(connection, &keys).await?;
    let (mut inputs, mut mail) = mailboxes(connection, &keys).await?;
    let mut runs = Vec::with_capacity(rows.len());
    for (row, key) in rows.iter().zip(keys) {
        // Who has deleted the run meanwhile has its input, too.
        let Some(input) = inputs.remove(&key) else {
            continue;
        };
        match loaded(row, input, events.remove(&key), mail.remove(&key)) {
            Ok(run) => runs.push(run),
            Err(error) => park(connection, row, claim, &error.to_string()).await?,
        }
    }
    Ok(runs)
}

type Loaded<T> = HashMap<i64, Result<Vec<T>, sqlx::Error>>;

async fn journals(
    connection: &mut PgConnection,
    keys: &[i64],
) -> Result<Loaded<Event>, sqlx::Error> {
    let rows = sqlx::query(
        "SELECT run, kind, step, data, at, position FROM journal \
         WHERE run = ANY ($1) ORDER BY run, position",
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
        let position: i32 = row.try_get(5)?;
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

/// The inputs of the runs, and what is in their mailboxes.
async fn mailboxes(
    connection: &mut PgConnection,
    keys: &[i64],
) -> Result<(HashMap<i64, Payload>, Loaded<Mail>), sqlx::Error> {
    // An input comes as the mail 0.
    let rows = sqlx::query(
        "SELECT run, 0::BIGINT AS mail, 0::SMALLINT AS kind, NULL AS name, input AS data, NULL AS ok \
         FROM runs WHERE run = ANY ($1) UNION ALL \
         SELECT run, mail, kind, name, data, ok FROM mailbox WHERE run = ANY ($1) ORDER BY run, mail",
    )
    .bind(keys)
    .fetch_all(connection)
    .await?;
    let mut inputs = HashMap::with_capacity(keys.len());
    let mut mailboxes = Loaded::<Mail>::new();
    for row in &rows {
        let run = row.try_get(0)?;
        if row.try_get::<i64, _>(1)? == 0 {
            inputs.insert(run, convert::payload(row, 4)?);
            continue;
        }
        let mailbox = mailboxes.entry(run).or_insert_with(|| Ok(Vec::new()));
        let Ok(mail) = mailbox else { continue };
        match convert::mail(row, 1) {
            Ok(piece) => mail.push(piece),
            Err(error) => *mailbox = Err(error),
        }
    }
    Ok((inputs, mailboxes))
}

fn loaded(
    row: &PgRow,
    input: Payload,
    events: Option<Result<Vec<Event>, sqlx::Error>>,
    mail: Option<Result<Vec<Mail>, sqlx::Error>>,
) -> Result<LoadedRun, sqlx::Error> {
    let epoch = Epoch::new(row.try_get(4)?);
    let events = events.unwrap_or_else(|| Ok(Vec::new()))?;
    rules::check_journal(epoch, &events).map_err(unreadable)?;
    Ok(LoadedRun {
        run: RunKey::new(row.try_get(0)?),
        id: RunId::from_recorded(row.try_get(1)?),
        workflow: row.try_get(2)?,
        status: convert::status(row.try_get(3)?)?,
        epoch,
        input,
        seed: row.try_get(5)?,
        parent: convert::parent(row, 6)?,
        created_at: Timestamp::from_micros(row.try_get(8)?),
        deaths: u32::try_from(row.try_get::<i32, _>(10)?).map_err(unreadable)?,
        events,
        mail: mail.unwrap_or_else(|| Ok(Vec::new()))?,
    })
}

/// A run that cannot be read stands aside, with the reason in its row; the others go on.
async fn park(
    connection: &mut PgConnection,
    row: &PgRow,
    claim: &Claim,
    cause: &str,
) -> Result<(), sqlx::Error> {
    let (run, epoch): (i64, i64) = (row.try_get(0)?, row.try_get(4)?);
    sqlx::query(
        "UPDATE runs SET status = $1, owner = NULL, due = NULL, reason = $2, updated_at = $3, \
         parked_by = parked_by || owner WHERE run = $4 AND epoch = $5 AND owner = $6",
    )
    .bind(i16::try_from(Status::Parked.code()).map_err(unreadable)?)
    .bind(convert::text(&format!(
        "run {run} cannot be loaded: {cause}"
    )))
    .bind(claim.now.as_micros())
    .bind(run)
    .bind(epoch)
    .bind(claim.worker.get())
    .execute(connection)
    .await?;
    Ok(())
}
