//! Delivering mail.

use std::collections::{HashMap, HashSet};

use sqlx::{Row, SqliteConnection, sqlite::SqliteRow};

use super::{
    convert::{self, CANCEL, CHILD, SIGNAL, unreadable},
    statement::{Bound, Rows, json_list},
};
use crate::{
    journal::{MailId, Payload, RunKey},
    status::Status,
    store::{Delivery, MailKind, MailOutcome, MailTarget, NewMail, rules},
};

static INSERT: Rows = Rows::new(
    "INSERT INTO mailbox (mail, run, kind, name, data, ok, at) VALUES ",
    "(?,?,?,?,?,?,?)",
    "",
);

static CHILDREN: Rows = Rows::new(
    "SELECT m.run, m.name, m.mail FROM (VALUES ",
    "(?,?)",
    ") AS v CROSS JOIN mailbox AS m ON m.run = v.column1 AND m.kind = 2 AND m.name = v.column2",
);

/// A run that mail is for, as the mail finds it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Target {
    pub(super) run: RunKey,
    pub(super) status: Status,
    pub(super) owned: bool,
}

/// The targets of mail, in the order of the mail; `None` where there is no such run.
pub(super) async fn targets(
    connection: &mut SqliteConnection,
    mail: &[&NewMail],
) -> Result<Vec<Option<Target>>, sqlx::Error> {
    let mut keys = Vec::new();
    let mut ids = Vec::new();
    for mail in mail {
        match &mail.to {
            MailTarget::Key(run) => keys.push(run.get()),
            MailTarget::Id(id) => ids.push(id.as_str()),
        }
    }
    let mut by_key = HashMap::new();
    let mut by_id = HashMap::new();
    if !keys.is_empty() {
        let rows = sqlx::query(
            "SELECT run, status, owner IS NOT NULL FROM runs \
             WHERE run IN (SELECT value FROM json_each(?))",
        );
        for row in rows
            .bind(json_list(keys))
            .fetch_all(&mut *connection)
            .await?
        {
            by_key.insert(row.try_get::<i64, _>(0)?, target(&row)?);
        }
    }
    if !ids.is_empty() {
        let rows = sqlx::query(
            "SELECT run, status, owner IS NOT NULL, id FROM runs \
             WHERE id IN (SELECT value FROM json_each(?))",
        );
        let ids = serde_json::to_string(&ids).map_err(unreadable)?;
        for row in rows.bind(ids).fetch_all(&mut *connection).await? {
            by_id.insert(row.try_get::<String, _>(3)?, target(&row)?);
        }
    }
    let find = |mail: &&NewMail| match &mail.to {
        MailTarget::Key(run) => by_key.get(&run.get()).copied(),
        MailTarget::Id(id) => by_id.get(id.as_str()).copied(),
    };
    Ok(mail.iter().map(find).collect())
}

fn target(row: &SqliteRow) -> Result<Target, sqlx::Error> {
    Ok(Target {
        run: RunKey::new(row.try_get(0)?),
        status: convert::status(row.try_get(1)?)?,
        owned: row.try_get(2)?,
    })
}

/// Puts mail into the mailboxes of its targets and makes those due that nobody owns.
pub(super) async fn deliver(
    connection: &mut SqliteConnection,
    mail: &[&NewMail],
    targets: &[Option<Target>],
) -> Result<Vec<MailOutcome>, sqlx::Error> {
    let mut results = results(connection, mail, targets).await?;
    let mut last: Option<i64> = None;
    let mut rows = Vec::new();
    let mut woken = HashSet::new();
    let mut outcomes = Vec::with_capacity(mail.len());
    for (new, target) in mail.iter().zip(targets) {
        let Some(target) = target else {
            outcomes.push(MailOutcome::UnknownRun);
            continue;
        };
        if target.status.is_terminal() {
            outcomes.push(MailOutcome::Ended(target.status));
            continue;
        }
        let key = result_key(target.run, &new.kind);
        let there = key.as_ref().and_then(|key| results.get(key).copied());
        let number = match (there, last) {
            (Some(number), _) => number,
            (None, Some(last)) => last + 1,
            (None, None) => last_mail(connection).await? + 1,
        };
        if there.is_none() {
            last = Some(number);
            rows.push((number, target.run, *new));
            results.extend(key.map(|key| (key, number)));
            if !target.owned && rules::mail_wakes(target.status, &new.kind) {
                woken.insert(target.run.get());
            }
        }
        outcomes.push(MailOutcome::Delivered(Delivery {
            run: target.run,
            mail: MailId::new(number),
            owned: target.owned,
        }));
    }
    insert(connection, &rows).await?;
    wake(connection, woken).await?;
    Ok(outcomes)
}

type ResultKey = (i64, String);

fn result_key(run: RunKey, kind: &MailKind) -> Option<ResultKey> {
    match kind {
        MailKind::Child { step, .. } => Some((run.get(), step.as_str().to_owned())),
        MailKind::Signal { .. } | MailKind::Cancel => None,
    }
}

/// The results of children that are in the mailboxes already: there is one per operation.
pub(super) async fn results(
    connection: &mut SqliteConnection,
    mail: &[&NewMail],
    targets: &[Option<Target>],
) -> Result<HashMap<ResultKey, i64>, sqlx::Error> {
    let wanted: Vec<ResultKey> = mail
        .iter()
        .zip(targets)
        .filter_map(|(mail, target)| result_key(target.as_ref()?.run, &mail.kind))
        .collect();
    let mut results = HashMap::new();
    for (statement, chunk) in CHILDREN.chunks(&wanted) {
        let statement = chunk
            .iter()
            .fold(statement, |s, (run, step)| s.bind(*run).bind(step.as_str()));
        for row in statement.fetch_all(&mut *connection).await? {
            results.insert((row.try_get(0)?, row.try_get(1)?), row.try_get(2)?);
        }
    }
    Ok(results)
}

/// What a repeated delivery finds in the mailboxes, without sending anything again.
pub(super) async fn delivered(
    connection: &mut SqliteConnection,
    mail: &[&NewMail],
) -> Result<Vec<Option<Delivery>>, sqlx::Error> {
    let targets = targets(connection, mail).await?;
    let results = results(connection, mail, &targets).await?;
    let find = |(mail, target): (&&NewMail, &Option<Target>)| {
        let target = target.as_ref()?;
        let number = results.get(&result_key(target.run, &mail.kind)?)?;
        Some(Delivery {
            run: target.run,
            mail: MailId::new(*number),
            owned: target.owned,
        })
    };
    Ok(mail.iter().zip(&targets).map(find).collect())
}

async fn last_mail(connection: &mut SqliteConnection) -> Result<i64, sqlx::Error> {
    let last = sqlx::query_scalar("SELECT seq FROM sqlite_sequence WHERE name = 'mailbox'")
        .fetch_optional(connection)
        .await?;
    Ok(last.unwrap_or(0))
}

async fn insert(
    connection: &mut SqliteConnection,
    rows: &[(i64, RunKey, &NewMail)],
) -> Result<(), sqlx::Error> {
    for (statement, chunk) in INSERT.chunks(rows) {
        let bound = chunk
            .iter()
            .try_fold(statement, |s, (mail, run, new)| bind(s, *mail, *run, new))?;
        bound.execute(&mut *connection).await?;
    }
    Ok(())
}

fn bind(statement: Bound, mail: i64, run: RunKey, new: &NewMail) -> Result<Bound, sqlx::Error> {
    let failure;
    let (kind, name, data, ok) = match &new.kind {
        MailKind::Signal { name, payload } => {
            (SIGNAL, Some(name.as_str()), Some(payload.as_bytes()), None)
        }
        MailKind::Child { step, outcome } => {
            let data = match outcome {
                Ok(payload) => payload.as_bytes(),
                Err(error) => {
                    failure = Payload::encode(error).map_err(unreadable)?;
                    failure.as_bytes()
                }
            };
            (
                CHILD,
                Some(step.as_str()),
                Some(data),
                Some(outcome.is_ok()),
            )
        }
        MailKind::Cancel => (CANCEL, None, None, None),
    };
    Ok(statement
        .bind(mail)
        .bind(run.get())
        .bind(kind)
        .bind(name)
        .bind(data)
        .bind(ok)
        .bind(new.at.as_micros()))
}

async fn wake(connection: &mut SqliteConnection, runs: HashSet<i64>) -> Result<(), sqlx::Error> {
    if runs.is_empty() {
        return Ok(());
    }
    // `owner IS NULL` keeps the rule that a run with a due time has no owner.
    sqlx::query(
        "UPDATE runs SET due = 0 WHERE run IN (SELECT value FROM json_each(?)) AND owner IS NULL",
    )
    .bind(json_list(runs))
    .execute(connection)
    .await?;
    Ok(())
}
