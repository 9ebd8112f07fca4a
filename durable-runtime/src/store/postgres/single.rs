//! Batches of one part alone, which decide the latency of a run that has the database to itself: one
//! statement each, where `write_batch` makes several.
//!
//! One statement is right where it needs to see nothing that was committed while it waited: its lock
//! shows the run's row as it is then, but other tables as they were when it began.

use sqlx::{PgConnection, Row, postgres::PgRow};

use super::{
    batch::{Arrival, Written},
    columns::mailbox_max,
    convert::{text, unreadable, wanted},
};
use crate::store::codes::code;
use crate::{
    journal::{Event, MailId, Payload, RunKey, WorkerId},
    status::Status,
    store::{
        Batch, BatchId, Commit, MailKind, MailTarget, NewMail, NewRun, RunUpdate,
        columns::{MailColumns, UpdateColumns},
        rules,
    },
};

/// Remembers a batch with mail, unless its sender has sent it before, or a later one. Numbers of clients are times:
/// they have one row.
macro_rules! remember {
    ($worker:literal, $number:literal, $($if:expr),+) => {
        concat!(
            "INSERT INTO sent_batches AS b (worker, part, number) SELECT ",
            $worker,
            "::BIGINT, CASE WHEN ",
            $worker,
            " > 0 THEN ",
            $number,
            "::BIGINT >> 10 ELSE 0 END, ",
            $number,
            " WHERE ",
            $($if,)+
            " AND NOT EXISTS (SELECT FROM sent_batches AS l WHERE l.worker = ",
            $worker,
            " AND l.part > ",
            $number,
            " >> 10) ON CONFLICT (worker, part) DO UPDATE SET number = excluded.number \
             WHERE b.number < excluded.number"
        )
    };
}
pub(super) use remember;

/// Writes a batch of one part. `None` when it is not one, or was not written: nothing is then.
pub(super) async fn write(
    connection: &mut PgConnection,
    batch: &Batch,
) -> Result<Option<Written>, sqlx::Error> {
    let written = match (&batch.starts[..], &batch.mail[..], &batch.commits[..]) {
        ([new], [], []) => start(connection, new).await,
        ([], [mail], []) => match batch.id {
            Some(id) => send(connection, id, mail, batch.mailbox_max).await,
            None => Ok(None),
        },
        ([], [], [commit]) if is_alone(commit) => {
            let sender = batch.sender();
            match (&commit.events[..], &commit.update) {
                ([event], None) if commit.consumed.is_empty() => {
                    append(connection, sender, commit, event).await
                }
                ([_, ..], Some(update)) => advance(connection, sender, commit, update).await,
                _ => Ok(None),
            }
        }
        _ => Ok(None),
    };
    match written {
        Err(sqlx::Error::Database(error)) if error.is_unique_violation() => Ok(None),
        written => written,
    }
}

/// Whether the commit writes to nothing but its own run.
fn is_alone(commit: &Commit) -> bool {
    commit.children.is_empty() && commit.outgoing.is_empty()
}

const START: &str = "INSERT INTO runs (run, epoch, owner, due, parent, seed, created_at, updated_at, \
     status, id, workflow, parent_step, input) \
     VALUES (nextval('run_numbers'), $1, $2, CASE WHEN $3 THEN nextval('due_numbers') END, \
     $4, $5, $6, $6, $7, $8, $9, $10, $11) ON CONFLICT (id) DO NOTHING RETURNING run";

async fn start(
    connection: &mut PgConnection,
    new: &NewRun,
) -> Result<Option<Written>, sqlx::Error> {
    let (status, epoch) = match new.owner {
        Some(_) => (Status::Running, 1_i64),
        None => (Status::Pending, 0),
    };
    let parent = new.parent.as_ref();
    let run = sqlx::query_scalar(START)
        .bind(epoch)
        .bind(new.owner.map(WorkerId::get))
        .bind(new.owner.is_none())
        .bind(parent.map(|parent| parent.run.get()))
        .bind(new.seed)
        .bind(new.at.as_micros())
        .bind(i16::try_from(status.code()).map_err(unreadable)?)
        .bind(text(new.id.as_str()))
        .bind(text(&new.workflow))
        .bind(parent.map(|parent| text(parent.step.as_str())))
        .bind(new.input.as_bytes())
        .fetch_optional(connection)
        .await?;
    Ok(Some(Written {
        started: vec![run.map(RunKey::new)],
        ..Written::default()
    }))
}

/// The fence of `write_batch`, for one run, with a lock, and with the parameter that says when it was started.
macro_rules! fenced {
    ($created_at:literal) => {
        concat!(
            "WITH fenced AS MATERIALIZED (SELECT r.run FROM runs AS r \
             WHERE r.run = $1 AND r.epoch = $2 AND r.owner = coalesce($3, r.owner) AND r.created_at = ",
            $created_at,
            " AND ($4 = 0 OR EXISTS (SELECT FROM journal AS j WHERE j.run = $1 AND j.position = $4 - 1)) \
             FOR NO KEY UPDATE) "
        )
    };
}

const APPEND: &str = concat!(
    fenced!("$9"),
    "INSERT INTO journal (run, at, position, kind, step, data) \
     SELECT run, $5, $4, $6, $7, $8 FROM fenced"
);

/// Appends one event.
async fn append(
    connection: &mut PgConnection,
    sender: Option<WorkerId>,
    commit: &Commit,
    event: &Event,
) -> Result<Option<Written>, sqlx::Error> {
    let data = event.kind.encode();
    let appended = sqlx::query(APPEND)
        .bind(commit.run.get())
        .bind(commit.epoch.get())
        .bind(sender.map(WorkerId::get))
        .bind(i32::try_from(commit.position).map_err(unreadable)?)
        .bind(event.at.as_micros())
        .bind(i16::try_from(event.kind.code()).map_err(unreadable)?)
        .bind(event.step.as_ref().map(|step| text(step.as_str())))
        .bind(data.as_ref().map(Payload::as_bytes))
        .bind(commit.created_at.as_micros())
        .execute(connection)
        .await?;
    Ok(one_commit(appended.rows_affected()))
}

/// $9: whether the run ends, so that all of its mail goes; mail that is committed in this very moment
/// may stay, and nobody reads it.
const ADVANCE: &str = concat!(
    fenced!("$16"),
    ", appended AS (INSERT INTO journal (run, at, position, kind, step, data) \
     SELECT f.run, e.at, $4 + e.number::INTEGER - 1, e.kind, e.step, e.data FROM fenced AS f \
     CROSS JOIN unnest($5::BIGINT[], $6::SMALLINT[], $7::TEXT[], $8::BYTEA[]) \
     WITH ORDINALITY AS e (at, kind, step, data, number)), \
     consumed AS (DELETE FROM mailbox AS m USING fenced AS f \
     WHERE m.run = f.run AND ($9 OR m.mail = ANY ($10))) \
     UPDATE runs AS r SET status = $11, reason = $12, updated_at = $13, parked_by = NULL, \
     deaths = CASE WHEN $14 THEN 0 ELSE r.deaths END, \
     owner = CASE WHEN NOT $14 THEN r.owner END, \
     due = CASE WHEN $14 THEN $15 ELSE r.due END \
     FROM fenced AS f WHERE r.run = f.run"
);

/// Appends events and sets the new state, unless mail would matter to it.
async fn advance(
    connection: &mut PgConnection,
    sender: Option<WorkerId>,
    commit: &Commit,
    update: &RunUpdate,
) -> Result<Option<Written>, sqlx::Error> {
    let columns = UpdateColumns::of(update);
    if columns.seen.is_some() {
        return Ok(None);
    }
    let events = &commit.events;
    let data: Vec<Option<Payload>> = events.iter().map(|event| event.kind.encode()).collect();
    let kinds = events.iter().map(|event| i16::try_from(event.kind.code()));
    let steps = events.iter().map(|event| event.step.as_ref());
    let steps = steps.map(|step| step.map(|step| text(step.as_str())));
    let advanced = sqlx::query(ADVANCE)
        .bind(commit.run.get())
        .bind(commit.epoch.get())
        .bind(sender.map(WorkerId::get))
        .bind(i32::try_from(commit.position).map_err(unreadable)?)
        .bind(
            events
                .iter()
                .map(|event| event.at.as_micros())
                .collect::<Vec<_>>(),
        )
        .bind(kinds.collect::<Result<Vec<_>, _>>().map_err(unreadable)?)
        .bind(steps.collect::<Vec<_>>())
        .bind(
            data.iter()
                .map(|data| data.as_ref().map(Payload::as_bytes))
                .collect::<Vec<_>>(),
        )
        .bind(update.status.is_terminal())
        .bind(
            commit
                .consumed
                .iter()
                .map(|mail| mail.get())
                .collect::<Vec<_>>(),
        )
        .bind(i16::try_from(columns.status).map_err(unreadable)?)
        .bind(update.reason.as_deref().map(text))
        .bind(commit.at.as_micros())
        .bind(columns.release)
        .bind(columns.due)
        .bind(commit.created_at.as_micros())
        .execute(connection)
        .await?;
    Ok(one_commit(advanced.rows_affected()))
}

fn one_commit(rows: u64) -> Option<Written> {
    (rows == 1).then(|| Written {
        fresh: vec![true],
        ..Written::default()
    })
}

/// The statuses in which a run takes no mail of this kind.
fn refusing(kind: &MailKind) -> Result<Vec<i16>, sqlx::Error> {
    let statuses = Status::ALL.into_iter();
    statuses
        .filter(|status| rules::refusal(*status, kind).is_some())
        .map(|status| i16::try_from(status.code()).map_err(unreadable))
        .collect()
}

/// The number of the mail is drawn under the run's lock: see `write_batch`. To a parked run nothing is sent:
/// whether it was parked in its rollback takes a look at its journal under the lock. Nor is a signal to a run
/// for which so many seem to wait; what others write while the lock is waited for is not in this count.
const SEND: &str = concat!(
    "WITH target AS MATERIALIZED (SELECT r.run, r.status, r.owner, r.due FROM runs AS r \
     WHERE r.run = coalesce($1, (SELECT n.run FROM runs AS n WHERE n.id = $2)) FOR NO KEY UPDATE), \
     crowded AS MATERIALIZED (SELECT t.run FROM target AS t WHERE CASE WHEN $11 IS NOT NULL \
     THEN $11 <= (SELECT count(*) FROM (SELECT FROM mailbox AS m \
     WHERE m.run = t.run AND m.kind = ",
    code!(signal),
    " AND m.name = $8 LIMIT $11) AS w) END), \
     counted AS (",
    remember!(
        "$3",
        "$4",
        "NOT EXISTS (SELECT FROM target WHERE status = ",
        code!(parked),
        ") AND NOT EXISTS (SELECT FROM crowded)"
    ),
    " RETURNING worker), \
     sent AS (INSERT INTO mailbox (run, mail, at, kind, ok, name, data) \
     SELECT t.run, nextval('mail_numbers'), $5, $6, $7, $8, $9 FROM target AS t CROSS JOIN counted \
     WHERE t.status <> ALL ($10) RETURNING mail), \
     woken AS (UPDATE runs AS r SET due = nextval('due_numbers') FROM target AS t CROSS JOIN sent \
     WHERE r.run = t.run AND t.owner IS NULL AND coalesce(t.due > 0, TRUE) AND t.status <> ",
    code!(paused),
    ") \
     SELECT t.run, t.status, t.owner, s.mail, EXISTS (SELECT FROM crowded) FROM target AS t LEFT JOIN sent AS s ON TRUE"
);

async fn send(
    connection: &mut PgConnection,
    id: BatchId,
    mail: &NewMail,
    max: Option<u32>,
) -> Result<Option<Written>, sqlx::Error> {
    let (run, run_id) = match &mail.to {
        MailTarget::Key(run) => (Some(run.get()), None),
        MailTarget::Id(id) => (None, wanted(id.as_str())),
    };
    let columns = MailColumns::of(&mail.kind).map_err(unreadable)?;
    let row = sqlx::query(SEND)
        .bind(run)
        .bind(run_id)
        .bind(id.worker.get())
        .bind(id.number)
        .bind(mail.at.as_micros())
        .bind(i16::try_from(columns.kind).map_err(unreadable)?)
        .bind(columns.ok)
        .bind(columns.name.map(text))
        .bind(columns.data)
        .bind(refusing(&mail.kind)?)
        .bind(mailbox_max(
            max.filter(|_| matches!(mail.kind, MailKind::Signal { .. })),
        ))
        .fetch_optional(connection)
        .await?;
    let is_left = |row| {
        let is_parked = i64::from(PgRow::try_get::<i16, _>(row, 1)?) == Status::Parked.code();
        Ok::<_, sqlx::Error>(is_parked || row.try_get(4)?)
    };
    if row.as_ref().map(is_left).transpose()? == Some(true) {
        return Ok(None);
    }
    let arrival = row.map(|row| {
        Ok::<_, sqlx::Error>(Arrival {
            run: RunKey::new(row.try_get(0)?),
            status: row.try_get(1)?,
            owner: row.try_get::<Option<i64>, _>(2)?.map(WorkerId::new),
            number: row.try_get::<Option<i64>, _>(3)?.map(MailId::new),
        })
    });
    Ok(Some(Written {
        mail: vec![arrival.transpose()?],
        ..Written::default()
    }))
}
