//! The progress of runs: fences, journal rows and new states, many runs at a time.

use sqlx::{Row, SqliteConnection};

use super::{
    convert::{self, unreadable},
    statement::{Bound, Rows, json_list},
};
use crate::{
    journal::{Event, RunKey, WorkerId},
    store::{Commit, RunUpdate, columns::UpdateColumns, rules},
};

/// Counts the commits whose run has the commit's epoch, the sender as its owner, and the event before the
/// commit's first.
static FENCE: Rows = Rows::new(
    "SELECT count(*) FROM (VALUES ",
    "(?,?,?,?)",
    ") AS v CROSS JOIN runs AS r ON r.run = v.column1 \
     WHERE r.epoch = v.column2 AND r.owner = coalesce(v.column4, r.owner) AND (v.column3 = 0 OR EXISTS \
     (SELECT 1 FROM journal AS j WHERE j.run = r.run AND j.position = v.column3 - 1))",
);

static APPEND: Rows = Rows::new(
    "INSERT INTO journal (run, position, kind, step, data, at) VALUES ",
    "(?,?,?,?,?,?)",
    " ON CONFLICT DO NOTHING",
);

static CONSUME: Rows = Rows::new(
    "DELETE FROM mailbox WHERE mail IN (SELECT m.mail FROM (VALUES ",
    "(?,?)",
    ") AS v CROSS JOIN mailbox AS m ON m.mail = v.column1 WHERE m.run = v.column2)",
);

/// Columns: run, status, release, due, seen, kind of mail that wakes (0 any), reason, time.
static UPDATE: Rows = Rows::new(
    "UPDATE runs SET status = v.column2, reason = v.column7, updated_at = v.column8, \
     parked_by = CASE v.column2 WHEN 8 THEN coalesce(parked_by, ',') || owner || ',' END, \
     deaths = CASE WHEN v.column3 = 1 AND v.column2 <> 8 THEN 0 ELSE deaths END, \
     owner = CASE v.column3 WHEN 1 THEN NULL ELSE owner END, \
     due = CASE WHEN v.column3 = 0 THEN due WHEN EXISTS (SELECT 1 FROM mailbox AS m \
     WHERE m.run = runs.run AND m.mail > v.column5 AND (v.column6 = 0 OR m.kind = v.column6)) \
     THEN 0 ELSE v.column4 END \
     FROM (VALUES ",
    "(?,?,?,?,?,?,?,?)",
    ") AS v WHERE runs.run = v.column1",
);

/// Appends one event in a statement of its own, fenced by itself. Whether a row was written.
pub(super) async fn append_one(
    connection: &mut SqliteConnection,
    sender: Option<WorkerId>,
    commit: &Commit,
    event: &Event,
) -> Result<bool, sqlx::Error> {
    // The `WHERE` is the fence: this epoch, still owned by the sender, and no gap.
    let statement = sqlx::query(
        "INSERT INTO journal (run, position, kind, step, data, at) \
         SELECT run, ?, ?, ?, ?, ? FROM runs AS r WHERE run = ? AND epoch = ? \
         AND owner = coalesce(?, owner) AND (? = 0 OR EXISTS \
         (SELECT 1 FROM journal AS j WHERE j.run = r.run AND j.position = ? - 1)) \
         ON CONFLICT DO NOTHING",
    );
    let done = bind_event(statement.bind(commit.position), event)
        .bind(commit.run.get())
        .bind(commit.epoch.get())
        .bind(sender.map(WorkerId::get))
        .bind(commit.position)
        .bind(commit.position)
        .execute(connection)
        .await?;
    Ok(done.rows_affected() == 1)
}

/// Whether every commit's fence holds.
pub(super) async fn all_fenced(
    connection: &mut SqliteConnection,
    sender: Option<WorkerId>,
    commits: &[&Commit],
) -> Result<bool, sqlx::Error> {
    let mut held = 0;
    for (statement, chunk) in FENCE.chunks(commits) {
        let statement = chunk.iter().fold(statement, |s, commit| {
            s.bind(commit.run.get())
                .bind(commit.epoch.get())
                .bind(if commit.events.is_empty() {
                    0
                } else {
                    commit.position
                })
                .bind(sender.map(WorkerId::get))
        });
        let row = statement.fetch_one(&mut *connection).await?;
        held += row.try_get::<i64, _>(0)?;
    }
    Ok(usize::try_from(held) == Ok(commits.len()))
}

/// Appends all events. `false` when a position was taken.
pub(super) async fn append(
    connection: &mut SqliteConnection,
    commits: &[&Commit],
) -> Result<bool, sqlx::Error> {
    let events: Vec<_> = commits
        .iter()
        .flat_map(|commit| {
            (commit.position..)
                .zip(&commit.events)
                .map(|at| (commit.run, at))
        })
        .collect();
    for (statement, chunk) in APPEND.chunks(&events) {
        let statement = chunk.iter().fold(statement, |s, (run, (position, event))| {
            bind_event(s.bind(run.get()).bind(*position), event)
        });
        let done = statement.execute(&mut *connection).await?;
        if done.rows_affected() != chunk.len() as u64 {
            return Ok(false);
        }
    }
    Ok(true)
}

fn bind_event(statement: Bound, event: &Event) -> Bound {
    let data = event.kind.encode();
    statement
        .bind(event.kind.code())
        .bind(event.step.as_ref().map(|step| step.as_str()))
        .bind(data.as_ref().map(|data| data.as_bytes()))
        .bind(event.at.as_micros())
}

/// Removes the mail that the commits took in.
pub(super) async fn consume(
    connection: &mut SqliteConnection,
    commits: &[&Commit],
) -> Result<(), sqlx::Error> {
    let mail: Vec<_> = commits
        .iter()
        .flat_map(|commit| commit.consumed.iter().map(|mail| (commit.run, *mail)))
        .collect();
    for (statement, chunk) in CONSUME.chunks(&mail) {
        let statement = chunk.iter().fold(statement, |s, (run, mail)| {
            s.bind(mail.get()).bind(run.get())
        });
        statement.execute(&mut *connection).await?;
    }
    Ok(())
}

/// Sets the new states and empties the mailboxes of runs that ended.
pub(super) async fn update(
    connection: &mut SqliteConnection,
    commits: &[&Commit],
) -> Result<(), sqlx::Error> {
    let updates: Vec<(&Commit, &RunUpdate)> = commits
        .iter()
        .filter_map(|commit| Some((*commit, commit.update.as_ref()?)))
        .collect();
    let ended: Vec<i64> = updates
        .iter()
        .filter(|(_, update)| update.status.is_terminal())
        .map(|(commit, _)| commit.run.get())
        .collect();
    if !ended.is_empty() {
        sqlx::query("DELETE FROM mailbox WHERE run IN (SELECT value FROM json_each(?))")
            .bind(json_list(ended))
            .execute(&mut *connection)
            .await?;
    }
    for (statement, chunk) in UPDATE.chunks(&updates) {
        let statement = chunk.iter().fold(statement, |s, (commit, update)| {
            bind_update(s, commit, update)
        });
        statement.execute(&mut *connection).await?;
    }
    Ok(())
}

fn bind_update(statement: Bound, commit: &Commit, update: &RunUpdate) -> Bound {
    let columns = UpdateColumns::of(update);
    statement
        .bind(commit.run.get())
        .bind(columns.status)
        .bind(columns.release)
        .bind(columns.due)
        .bind(columns.seen.unwrap_or(i64::MAX))
        .bind(columns.wakes.unwrap_or(0))
        .bind(update.reason.as_deref())
        .bind(commit.at.as_micros())
}

/// How a commit stands to what is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    Fresh,
    Repeated,
    Lost,
}

/// Tells apart a commit that can be written, one that was written before, and one that came too
/// late.
pub(super) async fn standing(
    connection: &mut SqliteConnection,
    sender: Option<WorkerId>,
    commit: &Commit,
) -> Result<Standing, sqlx::Error> {
    let run = sqlx::query("SELECT epoch, owner, status FROM runs WHERE run = ?")
        .bind(commit.run.get())
        .fetch_optional(&mut *connection)
        .await?;
    let Some(run) = run else {
        return Ok(Standing::Lost);
    };
    let (epoch, owner, status): (i64, Option<i64>, i64) =
        (run.try_get(0)?, run.try_get(1)?, run.try_get(2)?);
    let is_owner = owner.is_some_and(|owner| sender.is_none_or(|sender| sender.get() == owner));
    if epoch != commit.epoch.get() {
        return Ok(Standing::Lost);
    }
    if commit.events.is_empty() {
        return Ok(if is_owner {
            Standing::Fresh
        } else if owner.is_none() && rules::is_same_release(commit, convert::status(status)?) {
            Standing::Repeated
        } else {
            Standing::Lost
        });
    }
    Ok(match written(connection, commit.run, commit).await? {
        Written::All => Standing::Repeated,
        Written::Nothing if is_owner => Standing::Fresh,
        Written::Nothing | Written::Other => Standing::Lost,
    })
}

enum Written {
    Nothing,
    All,
    Other,
}

async fn written(
    connection: &mut SqliteConnection,
    run: RunKey,
    commit: &Commit,
) -> Result<Written, sqlx::Error> {
    let rows = sqlx::query(
        "SELECT kind, step, data, at FROM journal WHERE run = ? AND position >= ? \
         ORDER BY position LIMIT ?",
    )
    .bind(run.get())
    .bind(commit.position)
    .bind(i64::try_from(commit.events.len()).map_err(unreadable)?)
    .fetch_all(&mut *connection)
    .await?;
    if rows.is_empty() {
        return Ok(match is_next(connection, run, commit.position).await? {
            true => Written::Nothing,
            false => Written::Other,
        });
    }
    if rows.len() < commit.events.len() {
        return Ok(Written::Other);
    }
    for (row, event) in rows.iter().zip(&commit.events) {
        let data = event.kind.encode();
        let same = row.try_get::<i64, _>(0)? == event.kind.code()
            && row.try_get::<Option<&str>, _>(1)? == event.step.as_ref().map(|step| step.as_str())
            && row.try_get::<Option<&[u8]>, _>(2)? == data.as_ref().map(|data| data.as_bytes())
            && row.try_get::<i64, _>(3)? == event.at.as_micros();
        if !same {
            return Ok(Written::Other);
        }
    }
    Ok(Written::All)
}

/// Whether the event before this position is there.
async fn is_next(
    connection: &mut SqliteConnection,
    run: RunKey,
    position: u32,
) -> Result<bool, sqlx::Error> {
    let Some(before) = position.checked_sub(1) else {
        return Ok(true);
    };
    sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM journal WHERE run = ? AND position = ?)")
        .bind(run.get())
        .bind(before)
        .fetch_one(connection)
        .await
}
