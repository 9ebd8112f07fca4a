//! One piece of mail in one call: what decides how long a run that waits for it takes to go on.

use sqlx::{Row, SqliteConnection};

use super::{
    convert::unreadable,
    mail::{REMEMBER, began_rollback, target},
    statement::{self, Bound, Script, json_list},
};
use crate::store::codes::code;
use crate::{
    journal::MailId,
    status::Status,
    store::{BatchId, MailKind, MailOutcome, MailTarget, NewMail, columns::MailColumns, rules},
};

/// The statements over the run that the mail is for, found by a column.
struct Texts {
    /// The run as the mail finds it, the mail's number if it is written, and whether it was written before.
    target: &'static str,
    /// Fails if so many signals of a name wait for the run: a piece of mail needs a run. Its name, and how many,
    /// twice.
    demand_room: &'static str,
    /// Columns after the run's: kind, name, data, ok, time; then the run, in which states it takes mail, and
    /// the batch's worker and number.
    insert: &'static str,
    /// Makes the run due if it has just got mail, in one of these states.
    wake: &'static str,
}

macro_rules! texts {
    ($column:literal) => {
        Texts {
            target: concat!(
                "SELECT run, status, owner IS NOT NULL, ",
                began_rollback!("FALSE"),
                ", 1 + coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'mailbox'), 0), \
                 EXISTS (SELECT 1 FROM batches WHERE worker = ? AND number >= ?) FROM runs WHERE ",
                $column,
                " = ?"
            ),
            demand_room: concat!(
                "INSERT OR ROLLBACK INTO mailbox (run, kind, at) SELECT NULL, 0, 0 FROM runs AS r WHERE ",
                $column,
                " = ? AND (SELECT count(*) FROM (SELECT 1 FROM mailbox AS m \
                 WHERE m.run = r.run AND m.kind = ", code!(signal), " AND m.name = ? LIMIT ?)) >= ?"
            ),
            insert: concat!(
                "INSERT INTO mailbox (run, kind, name, data, ok, at) SELECT run, ?, ?, ?, ?, ? \
                 FROM runs WHERE ",
                $column,
                " = ? AND CASE WHEN ",
                began_rollback!("FALSE"),
                " THEN ", code!(compensating), " ELSE status END IN (SELECT value FROM json_each(?)) \
                 AND NOT EXISTS (SELECT 1 FROM batches WHERE worker = ? AND number >= ?)"
            ),
            // `owner IS NULL` keeps the rule that a run with a due time has no owner.
            wake: concat!(
                "UPDATE runs SET due = 0 WHERE changes() = 1 AND ",
                $column,
                " = ? AND owner IS NULL AND status IN (SELECT value FROM json_each(?))"
            ),
        }
    };
}

const BY_KEY: Texts = texts!("run");
const BY_ID: Texts = texts!("id");

/// Sends mail, as the only part of a batch. A signal that may have no room is refused by a constraint.
pub(super) async fn post(
    connection: &mut SqliteConnection,
    batch: Option<BatchId>,
    mail: &NewMail,
    mailbox_max: Option<u32>,
) -> Result<MailOutcome, sqlx::Error> {
    let rows = statement::run(connection, script(batch, mail, mailbox_max)?).await?;
    let Some(row) = rows.first() else {
        return Ok(MailOutcome::UnknownRun);
    };
    let (number, is_repeated): (i64, bool) = (row.try_get(4)?, row.try_get(5)?);
    let number = (!is_repeated).then_some(MailId::new(number));
    Ok(target(row)?.outcome(&mail.kind, number))
}

fn script(
    batch: Option<BatchId>,
    mail: &NewMail,
    mailbox_max: Option<u32>,
) -> Result<(Bound, usize), sqlx::Error> {
    let texts = match mail.to {
        MailTarget::Key(_) => BY_KEY,
        MailTarget::Id(_) => BY_ID,
    };
    let mut script = Script::default();
    let signal = match &mail.kind {
        MailKind::Signal { name, .. } => Some(name.as_str()),
        _ => None,
    };
    let bound = signal.zip(mailbox_max);
    script.add("BEGIN IMMEDIATE");
    script.add(texts.target);
    if bound.is_some() {
        script.add(texts.demand_room);
    }
    script.add(texts.insert);
    script.add(texts.wake);
    if batch.is_some() {
        script.add(REMEMBER);
    }
    script.add("COMMIT");
    let (s, statements) = script.into_query();

    let columns = MailColumns::of(&mail.kind).map_err(unreadable)?;
    let to = |s: Bound| match &mail.to {
        MailTarget::Key(run) => s.bind(run.get()),
        MailTarget::Id(id) => s.bind(id.as_str()),
    };
    let from = |s: Bound| {
        s.bind(batch.map(|id| id.worker.get()))
            .bind(batch.map(|id| id.number))
    };
    let s = to(from(s));
    let s = match bound {
        Some((name, max)) => to(s).bind(name.to_owned()).bind(max).bind(max),
        None => s,
    };
    let s = s
        .bind(columns.kind)
        .bind(columns.name)
        .bind(columns.data.as_deref())
        .bind(columns.ok)
        .bind(mail.at.as_micros());
    let s = from(to(s).bind(codes(|status| rules::refusal(status, &mail.kind).is_none())));
    let s = to(s).bind(codes(|status| rules::mail_wakes(status, &mail.kind)));
    let s = if batch.is_some() { from(s) } else { s };
    Ok((s, statements))
}

/// The codes of some states, as a JSON list.
fn codes(of: impl Fn(Status) -> bool) -> String {
    let states = Status::ALL.into_iter().filter(|status| of(*status));
    json_list(states.map(Status::code))
}
