//! Batches that are written in one call.
//!
//! A call goes to the driver's thread and its answer comes back, and these two changes of threads take as long
//! as the statements. So a batch of starts and of commits that neither start nor send anything is a
//! transaction in one text. Nothing is looked at in between: a fence that does not hold, or a place that is
//! taken, or a mailbox that is full, is an error and ends the text. Then the transaction is rolled back, and the
//! batch is written in the way that tells its parts apart.
//!
//! `OR ROLLBACK` spares SQLite the copies of pages that it would need to undo a statement alone.

use sqlx::{Row, SqliteConnection};

use super::{
    post::post,
    progress::{self, APPEND_ALL, CONSUME, DEMAND, EMPTY, UPDATE},
    starts::{self, INSERT_ALL, LAST},
    statement::{self, ROWS_MAX, Rows, Script},
    writer::roll_back,
};
use crate::{
    journal::{Event, MailId, RunKey, WorkerId},
    store::{Batch, BatchOutcome, Commit, CommitOutcome, NewRun, RunUpdate, StartOutcome},
};

/// SQLite's result code for what a constraint refuses.
const CONSTRAINT: i64 = 19;

/// Writes a batch in one call. `None` when it is not of the kind, or was refused: then nothing was written.
pub(super) async fn write(
    connection: &mut SqliteConnection,
    batch: &Batch,
) -> Result<Option<BatchOutcome>, sqlx::Error> {
    match (&batch.starts[..], &batch.mail[..], &batch.commits[..]) {
        ([new], [], []) => {
            return Ok(Some(BatchOutcome {
                starts: vec![starts::start_one(connection, new).await?],
                ..BatchOutcome::default()
            }));
        }
        ([], [mail], []) => {
            let posted = post(connection, batch.id, mail, batch.mailbox_max).await;
            return Ok(unless_refused(connection, posted)
                .await?
                .map(|mail| BatchOutcome {
                    mail: vec![mail],
                    ..BatchOutcome::default()
                }));
        }
        ([], [], [commit]) if is_one_event(commit) => {
            let appended = append_one(connection, batch.sender(), commit).await?;
            return Ok(appended.then(|| outcome(batch, 0)));
        }
        _ => {}
    }
    let commits: Vec<&Commit> = batch.commits.iter().collect();
    let Some(parts) = Parts::of(batch, &commits) else {
        return Ok(None);
    };
    let written = statement::run(connection, parts.script()).await;
    let Some(rows) = unless_refused(connection, written).await? else {
        return Ok(None);
    };
    let last = rows.first().map_or(Ok(0), |row| row.try_get(0))?;
    Ok(Some(outcome(batch, last)))
}

/// What was written; `None`, with the transaction rolled back, if a constraint refused it.
async fn unless_refused<T>(
    connection: &mut SqliteConnection,
    written: Result<T, sqlx::Error>,
) -> Result<Option<T>, sqlx::Error> {
    match written {
        Err(sqlx::Error::Database(error)) if code(&*error) & 0xff == CONSTRAINT => {
            roll_back(connection).await?;
            Ok(None)
        }
        written => written.map(Some),
    }
}

fn code(error: &dyn sqlx::error::DatabaseError) -> i64 {
    let code = error.code().and_then(|code| code.parse().ok());
    code.unwrap_or(0)
}

/// The outcome of a batch of which everything was written, when `last` was the last run's number.
fn outcome(batch: &Batch, last: i64) -> BatchOutcome {
    let created = |run| StartOutcome::Created {
        run: RunKey::new(run),
    };
    let committed = |_: &Commit| CommitOutcome::Committed {
        children: Vec::new(),
        outgoing: Vec::new(),
    };
    BatchOutcome {
        starts: (last + 1..).map(created).take(batch.starts.len()).collect(),
        mail: Vec::new(),
        commits: batch.commits.iter().map(committed).collect(),
    }
}

fn is_one_event(commit: &Commit) -> bool {
    commit.events.len() == 1
        && commit.update.is_none()
        && commit.children.is_empty()
        && commit.consumed.is_empty()
        && commit.outgoing.is_empty()
}

/// Appends one event in a statement of its own, fenced by itself. Whether a row was written.
async fn append_one(
    connection: &mut SqliteConnection,
    sender: Option<WorkerId>,
    commit: &Commit,
) -> Result<bool, sqlx::Error> {
    // The `WHERE` is the fence: this run, this epoch, still owned by the sender, and no gap.
    let statement = sqlx::query(
        "INSERT INTO journal (run, position, kind, step, data, at) \
         SELECT run, ?, ?, ?, ?, ? FROM runs AS r WHERE run = ? AND created_at = ? AND epoch = ? \
         AND owner = coalesce(?, owner) AND (? = 0 OR EXISTS \
         (SELECT 1 FROM journal AS j WHERE j.run = r.run AND j.position = ? - 1)) \
         ON CONFLICT DO NOTHING",
    );
    let statement = commit
        .events
        .iter()
        .fold(statement.bind(commit.position), progress::bind_event);
    let done = statement
        .bind(commit.run.get())
        .bind(commit.created_at.as_micros())
        .bind(commit.epoch.get())
        .bind(sender.map(WorkerId::get))
        .bind(commit.position)
        .bind(commit.position)
        .execute(connection)
        .await?;
    Ok(done.rows_affected() == 1)
}

/// What a batch writes.
struct Parts<'b> {
    sender: Option<WorkerId>,
    starts: &'b [NewRun],
    commits: &'b [&'b Commit],
    events: Vec<(RunKey, u32, &'b Event)>,
    consumed: Vec<(RunKey, MailId)>,
    updates: Vec<(&'b Commit, &'b RunUpdate)>,
    ended: Option<String>,
}

impl<'b> Parts<'b> {
    /// The parts, if they fit into one text.
    fn of(batch: &'b Batch, commits: &'b [&'b Commit]) -> Option<Self> {
        let alone = |c: &&Commit| c.children.is_empty() && c.outgoing.is_empty();
        if !batch.mail.is_empty() || !commits.iter().all(alone) {
            return None;
        }
        let updates = progress::updates(commits);
        let parts = Self {
            sender: batch.sender(),
            starts: &batch.starts,
            commits,
            events: progress::events(commits),
            consumed: progress::consumed(commits),
            ended: progress::ended(&updates),
            updates,
        };
        let rows = [
            parts.starts.len(),
            parts.commits.len(),
            parts.events.len(),
            parts.consumed.len(),
        ];
        rows.into_iter()
            .all(|rows| rows <= ROWS_MAX)
            .then_some(parts)
    }

    /// The transaction. In the order of its statements; the numbers of the starts follow the last one's.
    fn script(&self) -> (statement::Bound, usize) {
        let many = few(self.commits.len().max(self.events.len()), 1);
        let events = if self.events.is_empty() { 0 } else { many };
        let starts = few(self.starts.len(), 2);
        let consumed = few(self.consumed.len(), 2);
        let updates = few(self.updates.len(), 2);
        let mut script = Script::default();
        script.add("BEGIN IMMEDIATE");
        if starts > 0 {
            script.add(LAST);
        }
        add(&mut script, &INSERT_ALL, starts);
        add(&mut script, &DEMAND, many);
        add(&mut script, &APPEND_ALL, events);
        add(&mut script, &CONSUME, consumed);
        if self.ended.is_some() {
            script.add(EMPTY);
        }
        add(&mut script, &UPDATE, updates);
        script.add("COMMIT");
        let (s, statements) = script.into_query();
        let Ok(s) = INSERT_ALL.bind(s, starts, self.starts, |s, new| starts::bind(s, None, new));
        let Ok(mut s) = DEMAND.bind(s, many, self.commits, |s, commit| {
            progress::bind_fence(s, self.sender, commit)
        });
        if many > 0 {
            s = s.bind(self.commits.len() as i64);
        }
        let Ok(s) = APPEND_ALL.bind(s, events, &self.events, progress::bind_append);
        let Ok(mut s) = CONSUME.bind(s, consumed, &self.consumed, progress::bind_consumed);
        if let Some(ended) = &self.ended {
            s = s.bind(ended.clone());
        }
        let Ok(s) = UPDATE.bind(s, updates, &self.updates, progress::bind_update);
        (s, statements)
    }
}

fn add(script: &mut Script, statement: &Rows, rows: usize) {
    if rows > 0 {
        script.add(statement.text(rows).as_str());
    }
}

/// The length of a list for so many items: the next power of two, or of four: there are as many texts as there
/// are combinations.
fn few(items: usize, step: u32) -> usize {
    if items == 0 {
        return 0;
    }
    let exponent = items.next_power_of_two().ilog2().next_multiple_of(step);
    ROWS_MAX.min(1 << exponent)
}
