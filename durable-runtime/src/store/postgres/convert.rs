//! Between rows and records.

use std::{borrow::Cow, fmt};

use sqlx::{Row, postgres::PgRow};

use crate::{
    journal::{
        Epoch, Event, EventKind, MailId, Payload, RunId, RunKey, StepId, Timestamp, WorkerId,
    },
    status::Status,
    store::{
        Mail, Parent, RunRecord,
        columns::{MailColumns, There},
    },
};

/// The columns of [`record`], in order.
pub(super) const RECORD: &str =
    "run, id, workflow, status, input, parent, parent_step, created_at, updated_at, reason";
/// The same of a run whose input nobody asks for.
pub(super) const LISTED: &str =
    "run, id, workflow, status, ''::BYTEA, parent, parent_step, created_at, updated_at, reason";

/// A row that this version cannot read.
pub(super) fn unreadable(cause: impl fmt::Display) -> sqlx::Error {
    sqlx::Error::Decode(cause.to_string().into())
}

/// A text as PostgreSQL can hold it: a NUL is shown as its symbol.
pub(super) fn text(text: &str) -> Cow<'_, str> {
    if text.contains('\0') {
        Cow::Owned(text.replace('\0', "\u{2400}"))
    } else {
        Cow::Borrowed(text)
    }
}

/// A text to look for; `None` when no row can hold it.
pub(super) fn wanted(text: &str) -> Option<&str> {
    (!text.contains('\0')).then_some(text)
}

pub(super) fn record(row: &PgRow) -> Result<RunRecord, sqlx::Error> {
    Ok(RunRecord {
        run: RunKey::new(row.try_get(0)?),
        id: RunId::from_recorded(row.try_get(1)?),
        workflow: row.try_get(2)?,
        status: status(row.try_get(3)?)?,
        input: payload(row, 4)?,
        parent: parent(row, 5)?,
        created_at: Timestamp::from_micros(row.try_get(7)?),
        updated_at: Timestamp::from_micros(row.try_get(8)?),
        reason: row.try_get(9)?,
    })
}

pub(super) fn status(code: i16) -> Result<Status, sqlx::Error> {
    Status::from_code(code.into())
        .ok_or_else(|| unreadable(format_args!("status {code} is not known to this version")))
}

pub(super) fn payload(row: &PgRow, column: usize) -> Result<Payload, sqlx::Error> {
    Ok(Payload::from_bytes(row.try_get::<&[u8], _>(column)?))
}

/// The parent from two columns, the second right after the first.
pub(super) fn parent(row: &PgRow, column: usize) -> Result<Option<Parent>, sqlx::Error> {
    let Some(run) = row.try_get::<Option<i64>, _>(column)? else {
        return Ok(None);
    };
    Ok(Some(Parent {
        run: RunKey::new(run),
        step: StepId::from_recorded(row.try_get::<String, _>(column + 1)?),
    }))
}

/// A run that is there, from `run, workflow, input, parent, seed, epoch, owner`, starting at a column.
pub(super) fn there(row: &PgRow, column: usize) -> Result<There, sqlx::Error> {
    Ok(There {
        run: RunKey::new(row.try_get(column)?),
        workflow: row.try_get(column + 1)?,
        input: payload(row, column + 2)?,
        parent: row.try_get::<Option<i64>, _>(column + 3)?.map(RunKey::new),
        seed: row.try_get(column + 4)?,
        epoch: Epoch::new(row.try_get(column + 5)?),
        owner: row
            .try_get::<Option<i64>, _>(column + 6)?
            .map(WorkerId::new),
    })
}

/// An event from `kind, step, data, at`, starting at a column.
pub(super) fn event(row: &PgRow, column: usize) -> Result<Event, sqlx::Error> {
    let data: Option<&[u8]> = row.try_get(column + 2)?;
    let code = row.try_get::<i16, _>(column)?;
    let kind = EventKind::decode(code.into(), data.map(Payload::from_bytes));
    Ok(Event {
        at: Timestamp::from_micros(row.try_get(column + 3)?),
        step: row
            .try_get::<Option<String>, _>(column + 1)?
            .map(StepId::from_recorded),
        kind: kind.map_err(unreadable)?,
    })
}

/// Mail from `mail, kind, name, data, ok`, starting at a column.
pub(super) fn mail(row: &PgRow, column: usize) -> Result<Mail, sqlx::Error> {
    let columns = MailColumns {
        kind: row.try_get::<i16, _>(column + 1)?.into(),
        name: row.try_get(column + 2)?,
        data: row
            .try_get::<Option<&[u8]>, _>(column + 3)?
            .map(Cow::Borrowed),
        ok: row.try_get(column + 4)?,
    };
    let id: i64 = row.try_get(column)?;
    let kind = columns.read().map_err(|error| {
        unreadable(format_args!(
            "mail {id} in its mailbox cannot be read: {error}; start a worker of the version that sent it, \
             or delete this row of `mailbox`"
        ))
    });
    Ok(Mail {
        id: MailId::new(id),
        kind: kind?,
    })
}
