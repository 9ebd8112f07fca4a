//! Delivering mail.

use std::collections::{HashMap, HashSet};

use sqlx::{Row, SqliteConnection, sqlite::SqliteRow};

use super::{
    convert::{self, unreadable},
    statement::{Bound, Rows, json_list},
};
use crate::{
    journal::{MailId, RunKey},
    status::Status,
    store::{
        BatchId, Delivery, MailKind, MailOutcome, MailTarget, NewMail, columns::MailColumns, rules,
    },
};

static INSERT: Rows = Rows::new(
    "INSERT OR ROLLBACK INTO mailbox (mail, run, kind, name, data, ok, at) SELECT * FROM (VALUES ",
    "(?,?,?,?,?,?,?)",
    ") WHERE column1 IS NOT NULL",
);

/// Writes nothing when the worker has sent this batch before, or a later one.
pub(super) const REMEMBER: &str = "INSERT INTO batches (worker, number) VALUES (?, ?) \
     ON CONFLICT (worker) DO UPDATE SET number = excluded.number WHERE number < excluded.number";

/// A run that mail is for, as the mail finds it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Target {
    pub(super) run: RunKey,
    pub(super) status: Status,
    pub(super) owned: bool,
}

impl Target {
    /// What becomes of mail of this kind for it, which has this number if it was written now.
    pub(super) fn outcome(self, kind: &MailKind, mail: Option<MailId>) -> MailOutcome {
        let delivered = || {
            MailOutcome::Delivered(Delivery {
                run: self.run,
                mail,
                owned: self.owned,
            })
        };
        rules::refusal(self.status, kind).unwrap_or_else(delivered)
    }
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

/// A target from its run, its status and whether it is owned.
pub(super) fn target(row: &SqliteRow) -> Result<Target, sqlx::Error> {
    Ok(Target {
        run: RunKey::new(row.try_get(0)?),
        status: convert::status(row.try_get(1)?)?,
        owned: row.try_get(2)?,
    })
}

/// Mail that was put into mailboxes.
#[derive(Debug, Default)]
pub(super) struct Delivered {
    pub(super) outcomes: Vec<MailOutcome>,
    /// The runs to [`wake`].
    pub(super) woken: HashSet<i64>,
}

/// Puts mail into the mailboxes of its targets.
pub(super) async fn deliver(
    connection: &mut SqliteConnection,
    mail: &[&NewMail],
    targets: &[Option<Target>],
) -> Result<Delivered, sqlx::Error> {
    let mut next = next_mail(connection, targets).await?;
    let mut rows = Vec::new();
    let mut woken = HashSet::new();
    let mut outcomes = Vec::with_capacity(mail.len());
    for (new, target) in mail.iter().zip(targets) {
        let outcome = target.map_or(MailOutcome::UnknownRun, |target| {
            target.outcome(&new.kind, Some(MailId::new(next)))
        });
        if let (MailOutcome::Delivered(_), Some(target)) = (&outcome, target) {
            if !target.owned && rules::mail_wakes(target.status, &new.kind) {
                woken.insert(target.run.get());
            }
            rows.push((next, target.run, *new));
            next += 1;
        }
        outcomes.push(outcome);
    }
    insert(connection, &rows).await?;
    Ok(Delivered { outcomes, woken })
}

/// What became of mail that an earlier try of the same batch has written.
pub(super) async fn delivered(
    connection: &mut SqliteConnection,
    mail: &[&NewMail],
) -> Result<Vec<MailOutcome>, sqlx::Error> {
    let targets = targets(connection, mail).await?;
    let outcome = |(new, target): (&&NewMail, Option<Target>)| match target {
        None => MailOutcome::UnknownRun,
        Some(target) => target.outcome(&new.kind, None),
    };
    Ok(mail.iter().zip(targets).map(outcome).collect())
}

/// Whether the worker has sent this batch with mail before, or a later one; remembers it if not.
pub(super) async fn is_repeated(
    connection: &mut SqliteConnection,
    id: BatchId,
) -> Result<bool, sqlx::Error> {
    let remembered = sqlx::query(REMEMBER)
        .bind(id.worker.get())
        .bind(id.number)
        .execute(connection)
        .await?;
    Ok(remembered.rows_affected() == 0)
}

/// The number of the next piece of mail; not looked up when there is none to number.
async fn next_mail(
    connection: &mut SqliteConnection,
    targets: &[Option<Target>],
) -> Result<i64, sqlx::Error> {
    if targets.iter().all(Option::is_none) {
        return Ok(0);
    }
    Ok(last_mail(connection).await? + 1)
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
    for statement in INSERT.over(rows, |s, (mail, run, new)| bind(s, *mail, *run, new)) {
        statement?.execute(&mut *connection).await?;
    }
    Ok(())
}

fn bind(statement: Bound, mail: i64, run: RunKey, new: &NewMail) -> Result<Bound, sqlx::Error> {
    let columns = MailColumns::of(&new.kind).map_err(unreadable)?;
    Ok(statement
        .bind(mail)
        .bind(run.get())
        .bind(columns.kind)
        .bind(columns.name)
        .bind(columns.data.as_deref())
        .bind(columns.ok)
        .bind(new.at.as_micros()))
}

/// Makes runs due that nobody owns.
pub(super) async fn wake(
    connection: &mut SqliteConnection,
    runs: HashSet<i64>,
) -> Result<(), sqlx::Error> {
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
