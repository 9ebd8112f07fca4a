//! The progress of runs: fences, journal rows and new states, many runs at a time.

use std::convert::Infallible;

use sqlx::{Row, SqliteConnection};

use super::statement::{Bound, Rows, json_list};
use crate::{
    journal::{Event, MailId, RunKey, WorkerId},
    store::{Commit, RunUpdate, columns::UpdateColumns},
};

/// The number of commits whose run is the one that was started then, and has the commit's epoch, the sender
/// as its owner, and the event before the commit's first.
macro_rules! held {
    ($head:literal, $tail:literal) => {
        Rows::new(
            concat!($head, "(SELECT count(*) FROM (VALUES "),
            "(?,?,?,?,?)",
            concat!(
                ") AS v CROSS JOIN runs AS r ON r.run = v.column1 \
                 WHERE r.created_at = v.column5 AND r.epoch = v.column2 AND r.owner = coalesce(v.column4, r.owner) \
                 AND (v.column3 = 0 OR EXISTS (SELECT 1 FROM journal AS j \
                 WHERE j.run = r.run AND j.position = v.column3 - 1)))",
                $tail
            ),
        )
    };
}

/// Counts the commits whose fence holds.
static FENCE: Rows = held!("SELECT ", "");

/// Fails unless so many fences hold: a row of the journal needs a run.
pub(super) static DEMAND: Rows = held!(
    "INSERT OR ROLLBACK INTO journal (run, position, kind, at) SELECT NULL, 0, 0, 0 WHERE ",
    " <> ?"
);

static APPEND: Rows = Rows::new(
    "INSERT OR ROLLBACK INTO journal (run, position, kind, step, data, at) SELECT * FROM (VALUES ",
    "(?,?,?,?,?,?)",
    ") WHERE column1 IS NOT NULL ON CONFLICT DO NOTHING",
);

/// Fails when a position is taken.
pub(super) static APPEND_ALL: Rows = Rows::new(
    "INSERT OR ROLLBACK INTO journal (run, position, kind, step, data, at) SELECT * FROM (VALUES ",
    "(?,?,?,?,?,?)",
    ") WHERE column1 IS NOT NULL",
);

pub(super) static CONSUME: Rows = Rows::new(
    "DELETE FROM mailbox WHERE mail IN (SELECT m.mail FROM (VALUES ",
    "(?,?)",
    ") AS v CROSS JOIN mailbox AS m ON m.mail = v.column1 WHERE m.run = v.column2)",
);

/// Empties the mailboxes of runs, a JSON list.
pub(super) const EMPTY: &str = "DELETE FROM mailbox WHERE run IN (SELECT value FROM json_each(?))";

/// Columns: run, status, release, due, seen, least kind of mail that wakes, reason, time.
pub(super) static UPDATE: Rows = Rows::new(
    "UPDATE OR ROLLBACK runs SET status = v.column2, reason = v.column7, updated_at = v.column8, \
     parked_by = CASE v.column2 WHEN 8 THEN coalesce(parked_by, ',') || owner || ',' END, \
     deaths = CASE WHEN v.column3 = 1 AND v.column2 <> 8 THEN 0 ELSE deaths END, \
     owner = CASE v.column3 WHEN 1 THEN NULL ELSE owner END, \
     due = CASE WHEN v.column3 = 0 THEN due WHEN EXISTS (SELECT 1 FROM mailbox AS m \
     WHERE m.run = runs.run AND m.mail > v.column5 AND m.kind >= v.column6) \
     THEN 0 ELSE v.column4 END \
     FROM (VALUES ",
    "(?,?,?,?,?,?,?,?)",
    ") AS v WHERE runs.run = v.column1",
);

/// What a bound row gives back.
type Bind = Result<Bound, Infallible>;

/// The events of commits, with their places.
pub(super) fn events<'c>(commits: &[&'c Commit]) -> Vec<(RunKey, u32, &'c Event)> {
    let of_commit = |commit: &&'c Commit| {
        let run = commit.run;
        let numbered = (commit.position..).zip(&commit.events);
        numbered.map(move |(position, event)| (run, position, event))
    };
    commits.iter().flat_map(of_commit).collect()
}

/// The mail that commits took in.
pub(super) fn consumed(commits: &[&Commit]) -> Vec<(RunKey, MailId)> {
    let of_commit = |commit: &&Commit| {
        let run = commit.run;
        let consumed = commit.consumed.clone();
        consumed.into_iter().map(move |mail| (run, mail))
    };
    commits.iter().flat_map(of_commit).collect()
}

/// The new states of runs.
pub(super) fn updates<'c>(commits: &[&'c Commit]) -> Vec<(&'c Commit, &'c RunUpdate)> {
    commits
        .iter()
        .filter_map(|commit| Some((*commit, commit.update.as_ref()?)))
        .collect()
}

/// The runs that end, as a JSON list; `None` when none does.
pub(super) fn ended(updates: &[(&Commit, &RunUpdate)]) -> Option<String> {
    let mut ended = updates
        .iter()
        .filter(|(_, update)| update.status.is_terminal())
        .map(|(commit, _)| commit.run.get())
        .peekable();
    ended.peek().is_some().then(|| json_list(ended))
}

pub(super) fn bind_fence(s: Bound, sender: Option<WorkerId>, commit: &Commit) -> Bind {
    Ok(s.bind(commit.run.get())
        .bind(commit.epoch.get())
        .bind(commit.position)
        .bind(sender.map(WorkerId::get))
        .bind(commit.created_at.as_micros()))
}

pub(super) fn bind_append(s: Bound, (run, position, event): &(RunKey, u32, &Event)) -> Bind {
    Ok(bind_event(s.bind(run.get()).bind(*position), event))
}

pub(super) fn bind_event(s: Bound, event: &Event) -> Bound {
    let data = event.kind.encode();
    s.bind(event.kind.code())
        .bind(event.step.as_ref().map(|step| step.as_str()))
        .bind(data.as_ref().map(|data| data.as_bytes()))
        .bind(event.at.as_micros())
}

pub(super) fn bind_consumed(s: Bound, (run, mail): &(RunKey, MailId)) -> Bind {
    Ok(s.bind(mail.get()).bind(run.get()))
}

pub(super) fn bind_update(s: Bound, (commit, update): &(&Commit, &RunUpdate)) -> Bind {
    let columns = UpdateColumns::of(update);
    Ok(s.bind(commit.run.get())
        .bind(columns.status)
        .bind(columns.release)
        .bind(columns.due)
        .bind(columns.seen.unwrap_or(i64::MAX))
        .bind(columns.wakes.unwrap_or(0))
        .bind(update.reason.as_deref())
        .bind(commit.at.as_micros()))
}

/// Whether every commit's fence holds.
pub(super) async fn all_fenced(
    connection: &mut SqliteConnection,
    sender: Option<WorkerId>,
    commits: &[&Commit],
) -> Result<bool, sqlx::Error> {
    let mut held = 0;
    for statement in FENCE.over(commits, |s, commit| bind_fence(s, sender, commit)) {
        let Ok(statement) = statement;
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
    let events = events(commits);
    let mut appended = 0;
    for statement in APPEND.over(&events, bind_append) {
        let Ok(statement) = statement;
        appended += statement.execute(&mut *connection).await?.rows_affected();
    }
    Ok(appended == events.len() as u64)
}

/// Removes the mail that the commits took in.
pub(super) async fn consume(
    connection: &mut SqliteConnection,
    commits: &[&Commit],
) -> Result<(), sqlx::Error> {
    for statement in CONSUME.over(&consumed(commits), bind_consumed) {
        let Ok(statement) = statement;
        statement.execute(&mut *connection).await?;
    }
    Ok(())
}

/// Sets the new states and empties the mailboxes of runs that ended.
pub(super) async fn update(
    connection: &mut SqliteConnection,
    commits: &[&Commit],
) -> Result<(), sqlx::Error> {
    let updates = updates(commits);
    if let Some(ended) = ended(&updates) {
        sqlx::query(EMPTY)
            .bind(ended)
            .execute(&mut *connection)
            .await?;
    }
    for statement in UPDATE.over(&updates, bind_update) {
        let Ok(statement) = statement;
        statement.execute(&mut *connection).await?;
    }
    Ok(())
}
