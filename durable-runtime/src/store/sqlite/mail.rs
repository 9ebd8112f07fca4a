//! Delivering mail.

use std::{
    collections::{HashMap, HashSet},
    convert::Infallible,
};

use sqlx::{Row, SqliteConnection, sqlite::SqliteRow};

use super::{
    convert::{self, unreadable},
    statement::{Bound, ROWS_MAX, Rows, json_list},
};
use crate::store::codes::code;
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

/// How many signals of one name wait for one run, for several of these, each counted up to the first parameter.
static WAITING: Rows = Rows::new(
    concat!(
        "SELECT column1, column2, (SELECT count(*) FROM (SELECT 1 FROM mailbox AS m \
     WHERE m.run = column1 AND m.kind = ",
        code!(signal),
        " AND m.name = column2 LIMIT ?)) FROM (VALUES "
    ),
    "(?,?)",
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
    pub(super) began_rollback: bool,
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
        let status = rules::status_for_mail(self.status, self.began_rollback);
        rules::refusal(status, kind).unwrap_or_else(delivered)
    }
}

/// Whether a parked run was parked in the middle of its rollback. Its journal is searched only if it is parked,
/// or `or` is true.
macro_rules! began_rollback {
    ($or:literal) => {
        concat!(
            "CASE WHEN runs.status = ",
            code!(parked),
            " OR ",
            $or,
            " THEN EXISTS (SELECT 1 FROM journal AS j WHERE j.run = runs.run AND j.kind IN (",
            code!(cancel_requested),
            ", ",
            code!(rollback_started),
            ")) ELSE 0 END"
        )
    };
}
pub(super) use began_rollback;

/// The targets of mail, in the order of the mail; `None` where there is no such run. Of those that are about
/// to be parked it is found out, too, whether they are rolled back.
pub(super) async fn targets(
    connection: &mut SqliteConnection,
    mail: &[&NewMail],
    parking: &[i64],
) -> Result<Vec<Option<Target>>, sqlx::Error> {
    let mut keys = Vec::new();
    let mut ids = Vec::new();
    for mail in mail {
        match &mail.to {
            MailTarget::Key(run) => keys.push(run.get()),
            MailTarget::Id(id) => ids.push(id.as_str()),
        }
    }
    let parking = json_list(parking.iter().copied());
    let mut by_key = HashMap::new();
    let mut by_id = HashMap::new();
    if !keys.is_empty() {
        let rows = sqlx::query(concat!(
            "SELECT run, status, owner IS NOT NULL, ",
            began_rollback!("run IN (SELECT value FROM json_each(?2))"),
            " FROM runs WHERE run IN (SELECT value FROM json_each(?1))",
        ));
        for row in rows
            .bind(json_list(keys))
            .bind(&parking)
            .fetch_all(&mut *connection)
            .await?
        {
            by_key.insert(row.try_get::<i64, _>(0)?, target(&row)?);
        }
    }
    if !ids.is_empty() {
        let rows = sqlx::query(concat!(
            "SELECT run, status, owner IS NOT NULL, ",
            began_rollback!("run IN (SELECT value FROM json_each(?2))"),
            ", id FROM runs WHERE id IN (SELECT value FROM json_each(?1))",
        ));
        let ids = serde_json::to_string(&ids).map_err(unreadable)?;
        let rows = rows.bind(ids).bind(&parking);
        for row in rows.fetch_all(&mut *connection).await? {
            by_id.insert(row.try_get::<String, _>(4)?, target(&row)?);
        }
    }
    let find = |mail: &&NewMail| match &mail.to {
        MailTarget::Key(run) => by_key.get(&run.get()).copied(),
        MailTarget::Id(id) => by_id.get(id.as_str()).copied(),
    };
    Ok(mail.iter().map(find).collect())
}

/// A target from its run, its status, whether it is owned and whether it was parked in its rollback.
pub(super) fn target(row: &SqliteRow) -> Result<Target, sqlx::Error> {
    Ok(Target {
        run: RunKey::new(row.try_get(0)?),
        status: convert::status(row.try_get(1)?)?,
        owned: row.try_get(2)?,
        began_rollback: row.try_get(3)?,
    })
}

/// The signals that have no room in the mailboxes of their runs, by their places.
pub(super) async fn without_room(
    connection: &mut SqliteConnection,
    mail: &[&NewMail],
    targets: &[Option<Target>],
    max: Option<u32>,
) -> Result<Vec<usize>, sqlx::Error> {
    let Some(max) = max else {
        return Ok(Vec::new());
    };
    let mut signals = Vec::new();
    for (place, (new, target)) in mail.iter().zip(targets).enumerate() {
        if let (MailKind::Signal { name, .. }, Some(target)) = (&new.kind, target)
            && matches!(target.outcome(&new.kind, None), MailOutcome::Delivered(_))
        {
            signals.push((place, (target.run, name.clone())));
        }
    }
    let known: HashSet<_> = signals.iter().map(|(_, to)| to.clone()).collect();
    let waiting = waiting(connection, &Vec::from_iter(known), max).await?;
    Ok(rules::without_room(signals, max, waiting))
}

/// How many signals of these names wait for these runs, each counted up to `max`.
async fn waiting(
    connection: &mut SqliteConnection,
    mailboxes: &[(RunKey, String)],
    max: u32,
) -> Result<HashMap<(RunKey, String), u32>, sqlx::Error> {
    let mut waiting = HashMap::new();
    for chunk in mailboxes.chunks(ROWS_MAX) {
        let rows = chunk.len().next_power_of_two();
        let counting = sqlx::query(WAITING.text(rows)).bind(max);
        let Ok(counting) = WAITING.bind(counting, rows, chunk, |s, (run, name)| {
            Ok::<_, Infallible>(s.bind(run.get()).bind(name.clone()))
        });
        for row in counting.fetch_all(&mut *connection).await? {
            let run = RunKey::new(row.try_get(0)?);
            waiting.insert((run, row.try_get(1)?), row.try_get(2)?);
        }
    }
    Ok(waiting)
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
    let targets = targets(connection, mail, &[]).await?;
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
