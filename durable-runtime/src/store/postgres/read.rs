//! Reads.

use sqlx::{AssertSqlSafe, PgConnection, Row, postgres::PgRow};

use super::convert::{self, LISTED, RECORD, unreadable, wanted};
use crate::store::codes::code;
use crate::{
    journal::{Event, MailId, RunId, RunKey, WorkerId},
    status::Status,
    store::{Children, Mail, Owned, RunPage, RunQuery, RunRecord, columns},
};

pub(super) async fn find(
    connection: &mut PgConnection,
    id: RunId,
) -> Result<Option<RunRecord>, sqlx::Error> {
    let row = sqlx::query(AssertSqlSafe(format!(
        "SELECT {RECORD} FROM runs WHERE id = $1"
    )))
    .bind(wanted(id.as_str()))
    .fetch_optional(connection)
    .await?;
    row.as_ref().map(convert::record).transpose()
}

pub(super) async fn read(
    connection: &mut PgConnection,
    run: RunKey,
) -> Result<Option<RunRecord>, sqlx::Error> {
    let row = sqlx::query(AssertSqlSafe(format!(
        "SELECT {RECORD} FROM runs WHERE run = $1"
    )))
    .bind(run.get())
    .fetch_optional(connection)
    .await?;
    row.as_ref().map(convert::record).transpose()
}

pub(super) async fn history(
    connection: &mut PgConnection,
    run: RunKey,
) -> Result<Vec<Event>, sqlx::Error> {
    let rows = sqlx::query(
        "SELECT kind, step, data, at, position FROM journal WHERE run = $1 ORDER BY position",
    )
    .bind(run.get())
    .fetch_all(connection)
    .await?;
    rows.iter()
        .enumerate()
        .map(|(position, row)| {
            let bad = |cause: &dyn std::fmt::Display| {
                unreadable(format_args!(
                    "run {}, position {position}: {cause}",
                    run.get()
                ))
            };
            if usize::try_from(row.try_get::<i32, _>(4)?) != Ok(position) {
                return Err(bad(&"it is missing"));
            }
            convert::event(row, 0).map_err(|error| bad(&error))
        })
        .collect()
}

/// Journals have no gaps, so the last position tells how many events there are.
pub(super) async fn owned(
    connection: &mut PgConnection,
    worker: WorkerId,
) -> Result<Option<Vec<Owned>>, sqlx::Error> {
    let rows: Vec<columns::OwnedRow> = sqlx::query_as(
        "SELECT run, created_at, epoch::BIGINT, (SELECT coalesce(max(position) + 1, 0) FROM journal AS j \
         WHERE j.run = r.run)::BIGINT FROM runs AS r WHERE owner = $1",
    )
    .bind(worker.get())
    .fetch_all(connection)
    .await?;
    Ok(Some(rows.into_iter().map(columns::owned).collect()))
}

/// Most mailboxes are empty at any time, and ended runs have none.
pub(super) async fn unread(
    connection: &mut PgConnection,
    worker: WorkerId,
) -> Result<Vec<RunKey>, sqlx::Error> {
    let runs = sqlx::query_scalar(
        "SELECT DISTINCT m.run FROM mailbox AS m JOIN runs AS r ON r.run = m.run \
         WHERE r.owner = $1 ORDER BY m.run",
    )
    .bind(worker.get())
    .fetch_all(connection)
    .await?;
    Ok(runs.into_iter().map(RunKey::new).collect())
}

pub(super) async fn mailbox(
    connection: &mut PgConnection,
    run: RunKey,
) -> Result<Vec<Mail>, sqlx::Error> {
    let rows =
        sqlx::query("SELECT mail, kind, name, data, ok FROM mailbox WHERE run = $1 ORDER BY mail")
            .bind(run.get())
            .fetch_all(connection)
            .await?;
    rows.iter().map(|row| convert::mail(row, 0)).collect()
}

/// A run and a piece of its mail, or why it cannot be read.
type Piece = (RunKey, Result<Mail, sqlx::Error>);

pub(super) async fn mailboxes(
    connection: &mut PgConnection,
    runs: Vec<(RunKey, MailId)>,
    limit: usize,
) -> Result<Vec<Piece>, sqlx::Error> {
    let (runs, after): (Vec<i64>, Vec<i64>) = runs
        .into_iter()
        .map(|(run, after)| (run.get(), after.get()))
        .unzip();
    let rows = sqlx::query(
        "SELECT m.mail, m.kind, m.name, m.data, m.ok, w.run \
         FROM unnest($1::BIGINT[], $2::BIGINT[]) WITH ORDINALITY AS w (run, after, number) \
         CROSS JOIN LATERAL (SELECT mail, kind, name, data, ok FROM mailbox \
         WHERE run = w.run AND mail > w.after ORDER BY mail LIMIT $3) AS m \
         ORDER BY w.number, m.mail LIMIT $3",
    )
    .bind(runs)
    .bind(after)
    .bind(i64::try_from(limit).unwrap_or(i64::MAX))
    .fetch_all(connection)
    .await?;
    let piece = |row| Ok((RunKey::new(PgRow::try_get(row, 5)?), convert::mail(row, 0)));
    rows.iter().map(piece).collect()
}

pub(super) async fn children(
    connection: &mut PgConnection,
    run: RunKey,
) -> Result<Vec<RunRecord>, sqlx::Error> {
    let sql = format!("SELECT {RECORD} FROM runs WHERE parent = $1 ORDER BY run");
    let rows = sqlx::query(AssertSqlSafe(sql))
        .bind(run.get())
        .fetch_all(connection)
        .await?;
    rows.iter().map(convert::record).collect()
}

pub(super) async fn some_children(
    connection: &mut PgConnection,
    run: RunKey,
    after: RunKey,
    limit: usize,
) -> Result<Children, sqlx::Error> {
    let sql =
        format!("SELECT {LISTED} FROM runs WHERE parent = $1 AND run > $2 ORDER BY run LIMIT $3");
    let rows = sqlx::query(AssertSqlSafe(sql))
        .bind(run.get())
        .bind(after.get())
        .bind(i64::try_from(limit).unwrap_or(i64::MAX))
        .fetch_all(&mut *connection)
        .await?;
    let runs: Vec<_> = rows.iter().map(convert::record).collect::<Result<_, _>>()?;
    let Some(last) = runs.last().filter(|_| runs.len() == limit) else {
        return Ok(Children { runs, more: 0 });
    };
    let more: i64 = sqlx::query_scalar("SELECT count(*) FROM runs WHERE parent = $1 AND run > $2")
        .bind(run.get())
        .bind(last.run.get())
        .fetch_one(connection)
        .await?;
    let more = u64::try_from(more).map_err(unreadable)?;
    Ok(Children { runs, more })
}

pub(super) async fn list(
    connection: &mut PgConnection,
    query: RunQuery,
) -> Result<RunPage, sqlx::Error> {
    let workflow = query.workflow.as_deref().map(wanted);
    if workflow == Some(None) {
        return Ok(RunPage::default());
    }
    let limit = i64::try_from(query.limit).unwrap_or(i64::MAX);
    let mut statement = sqlx::query(AssertSqlSafe(list_sql(&query)))
        .bind(query.before.map_or(i64::MAX, RunKey::get))
        .bind(limit.saturating_add(1));
    if let Some(workflow) = workflow {
        statement = statement.bind(workflow);
    }
    if let Some(parent) = query.parent {
        statement = statement.bind(parent.get());
    }
    let rows = statement.fetch_all(connection).await?;
    let more = rows.len() > query.limit;
    let page = rows.iter().take(query.limit).map(convert::record);
    let runs = page.collect::<Result<Vec<_>, _>>()?;
    let next = runs.last().filter(|_| more).map(|run| run.run);
    Ok(RunPage { runs, next })
}

fn list_sql(query: &RunQuery) -> String {
    let mut sql = format!("SELECT {LISTED} FROM runs WHERE run < $1");
    if !query.statuses.is_empty() {
        let mut codes: Vec<i64> = query.statuses.iter().map(|status| status.code()).collect();
        codes.sort_unstable();
        codes.dedup();
        let codes: Vec<String> = codes.iter().map(ToString::to_string).collect();
        sql.push_str(&format!(" AND status IN ({})", codes.join(",")));
        if !query.statuses.contains(&Status::Completed) {
            // Repeats the condition of the partial index, which leaves out completed runs.
            sql.push_str(concat!(" AND status <> ", code!(completed)));
        }
    }
    if query.workflow.is_some() {
        sql.push_str(" AND workflow = $3");
    }
    if query.parent.is_some() {
        let number = 3 + u32::from(query.workflow.is_some());
        sql.push_str(&format!(" AND parent = ${number}"));
    }
    sql.push_str(" ORDER BY run DESC LIMIT $2");
    sql
}
