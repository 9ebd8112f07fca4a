//! Reads.

use sqlx::{AssertSqlSafe, Row, SqliteConnection, sqlite::SqliteRow};

use super::{
    convert::{self, LISTED, RECORD, unreadable},
    error::may_be_of_a_row,
    statement::json_list,
};
use crate::store::codes::code;
use crate::{
    journal::{Event, MailId, RunId, RunKey, WorkerId},
    status::Status,
    store::{Children, Mail, Owned, RunPage, RunQuery, RunRecord, columns},
};

pub(super) async fn find(
    connection: &mut SqliteConnection,
    id: RunId,
) -> Result<Option<RunRecord>, sqlx::Error> {
    let row = sqlx::query(AssertSqlSafe(format!(
        "SELECT {RECORD} FROM runs WHERE id = ?"
    )))
    .bind(id.as_str())
    .fetch_optional(connection)
    .await?;
    row.as_ref().map(convert::record).transpose()
}

pub(super) async fn read(
    connection: &mut SqliteConnection,
    run: RunKey,
) -> Result<Option<RunRecord>, sqlx::Error> {
    let row = sqlx::query(AssertSqlSafe(format!(
        "SELECT {RECORD} FROM runs WHERE run = ?"
    )))
    .bind(run.get())
    .fetch_optional(connection)
    .await?;
    row.as_ref().map(convert::record).transpose()
}

pub(super) async fn history(
    connection: &mut SqliteConnection,
    run: RunKey,
) -> Result<Vec<Event>, sqlx::Error> {
    let rows = sqlx::query(
        "SELECT kind, step, data, at, position FROM journal WHERE run = ? ORDER BY position",
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
            if usize::try_from(row.try_get::<i64, _>(4)?) != Ok(position) {
                return Err(bad(&"it is missing"));
            }
            convert::event(row, 0).map_err(|error| bad(&error))
        })
        .collect()
}

/// How long the journal of run `r` is. Journals have no gaps, so the last position tells.
macro_rules! events {
    () => {
        "(SELECT coalesce(max(position) + 1, 0) FROM journal AS j WHERE j.run = r.run)"
    };
}

/// What cannot be read of one run keeps nothing else from being told.
pub(super) async fn owned(
    connection: &mut SqliteConnection,
    worker: WorkerId,
) -> Result<Option<Vec<Owned>>, sqlx::Error> {
    let all = sqlx::query_as(concat!(
        "SELECT run, created_at, epoch, ",
        events!(),
        " FROM runs AS r WHERE owner = ?"
    ));
    let owned: Result<Vec<columns::OwnedRow>, _> =
        all.bind(worker.get()).fetch_all(&mut *connection).await;
    let owned = match owned {
        Err(error) if may_be_of_a_row(&error) => one_by_one(connection, worker).await?,
        owned => owned?,
    };
    Ok(Some(owned.into_iter().map(columns::owned).collect()))
}

/// With what is read behind the input of a run, and of its journal, by itself.
async fn one_by_one(
    connection: &mut SqliteConnection,
    worker: WorkerId,
) -> Result<Vec<columns::OwnedRow>, sqlx::Error> {
    let runs: Vec<(i64, i64)> = sqlx::query_as("SELECT run, epoch FROM runs WHERE owner = ?")
        .bind(worker.get())
        .fetch_all(&mut *connection)
        .await?;
    let mut owned = Vec::with_capacity(runs.len());
    for (run, epoch) in runs {
        let created_at = "SELECT created_at FROM runs WHERE run = ?";
        let created_at = if_it_can_be_read(connection, created_at, run).await?;
        let events = concat!("SELECT ", events!(), " FROM (SELECT ? AS run) AS r");
        let events = if_it_can_be_read(connection, events, run).await?;
        owned.push((run, created_at, epoch, events));
    }
    Ok(owned)
}

/// A number that belongs to a run; `None` when it is damaged.
pub(super) async fn if_it_can_be_read(
    connection: &mut SqliteConnection,
    sql: &'static str,
    run: i64,
) -> Result<Option<i64>, sqlx::Error> {
    let read = sqlx::query_scalar(sql).bind(run);
    match read.fetch_optional(connection).await {
        Err(error) if may_be_of_a_row(&error) => Ok(None),
        read => read,
    }
}

/// Most mailboxes are empty at any time, and ended runs have none.
pub(super) async fn unread(
    connection: &mut SqliteConnection,
    worker: WorkerId,
) -> Result<Vec<RunKey>, sqlx::Error> {
    let runs = sqlx::query_scalar(
        "SELECT DISTINCT m.run FROM mailbox AS m JOIN runs AS r ON r.run = m.run \
         WHERE r.owner = ? ORDER BY m.run",
    )
    .bind(worker.get())
    .fetch_all(connection)
    .await?;
    Ok(runs.into_iter().map(RunKey::new).collect())
}

pub(super) async fn mailbox(
    connection: &mut SqliteConnection,
    run: RunKey,
) -> Result<Vec<Mail>, sqlx::Error> {
    let rows =
        sqlx::query("SELECT mail, kind, name, data, ok FROM mailbox WHERE run = ? ORDER BY mail")
            .bind(run.get())
            .fetch_all(connection)
            .await?;
    rows.iter().map(|row| convert::mail(row, 0)).collect()
}

/// A run and a piece of its mail, or why it cannot be read.
type Piece = (RunKey, Result<Mail, sqlx::Error>);

pub(super) async fn mailboxes(
    connection: &mut SqliteConnection,
    runs: Vec<(RunKey, MailId)>,
    limit: usize,
) -> Result<Vec<Piece>, sqlx::Error> {
    let (runs, after): (Vec<i64>, Vec<i64>) = runs
        .into_iter()
        .map(|(run, after)| (run.get(), after.get()))
        .unzip();
    let rows = sqlx::query(
        "SELECT m.mail, m.kind, m.name, m.data, m.ok, m.run FROM json_each(?1) AS w \
         CROSS JOIN mailbox AS m ON m.run = w.value \
         WHERE m.mail > json_extract(?2, '$[' || w.key || ']') ORDER BY w.key, m.mail LIMIT ?3",
    )
    .bind(json_list(runs))
    .bind(json_list(after))
    .bind(i64::try_from(limit).unwrap_or(i64::MAX))
    .fetch_all(connection)
    .await?;
    let piece = |row| {
        Ok((
            RunKey::new(SqliteRow::try_get(row, 5)?),
            convert::mail(row, 0),
        ))
    };
    rows.iter().map(piece).collect()
}

pub(super) async fn children(
    connection: &mut SqliteConnection,
    run: RunKey,
) -> Result<Vec<RunRecord>, sqlx::Error> {
    let sql = format!("SELECT {RECORD} FROM runs WHERE parent = ? ORDER BY run");
    let rows = sqlx::query(AssertSqlSafe(sql))
        .bind(run.get())
        .fetch_all(connection)
        .await?;
    rows.iter().map(convert::record).collect()
}

pub(super) async fn some_children(
    connection: &mut SqliteConnection,
    run: RunKey,
    after: RunKey,
    limit: usize,
) -> Result<Children, sqlx::Error> {
    let sql =
        format!("SELECT {LISTED} FROM runs WHERE parent = ? AND run > ? ORDER BY run LIMIT ?");
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
    let more: i64 = sqlx::query_scalar("SELECT count(*) FROM runs WHERE parent = ? AND run > ?")
        .bind(run.get())
        .bind(last.run.get())
        .fetch_one(connection)
        .await?;
    let more = u64::try_from(more).map_err(unreadable)?;
    Ok(Children { runs, more })
}

pub(super) async fn list(
    connection: &mut SqliteConnection,
    query: RunQuery,
) -> Result<RunPage, sqlx::Error> {
    let limit = i64::try_from(query.limit).unwrap_or(i64::MAX);
    let by = ListedBy::of(connection, &query).await?;
    let rows = sqlx::query(AssertSqlSafe(list_sql(&query, by)))
        .bind(query.before.map_or(i64::MAX, RunKey::get))
        .bind(limit.saturating_add(1))
        .bind(query.workflow.as_deref())
        .bind(query.parent.map(RunKey::get))
        .fetch_all(connection)
        .await?;
    let more = rows.len() > query.limit;
    let page = rows.iter().take(query.limit).map(convert::record);
    let runs = page.collect::<Result<Vec<_>, _>>()?;
    let next = runs.last().filter(|_| more).map(|run| run.run);
    Ok(RunPage { runs, next })
}

/// The index that a listing goes by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ListedBy {
    Number,
    Parent,
    Workflow,
    Status,
}

/// How many runs are looked at to find out which of two indexes has fewer.
const COMPARED: u32 = 10_000;

impl ListedBy {
    /// The index with the fewest runs to pass. That of the statuses leaves out completed runs.
    pub(super) async fn of(
        connection: &mut SqliteConnection,
        query: &RunQuery,
    ) -> Result<Self, sqlx::Error> {
        let has_status = !query.statuses.is_empty() && !query.statuses.contains(&Status::Completed);
        match (query.parent, &query.workflow, has_status) {
            (Some(_), _, _) => Ok(Self::Parent),
            (None, Some(workflow), true) => rarer(connection, workflow, query).await,
            (None, Some(_), false) => Ok(Self::Workflow),
            (None, None, true) => Ok(Self::Status),
            (None, None, false) => Ok(Self::Number),
        }
    }
}

async fn rarer(
    connection: &mut SqliteConnection,
    workflow: &str,
    query: &RunQuery,
) -> Result<ListedBy, sqlx::Error> {
    let sql = format!(
        concat!(
            "SELECT (SELECT count(*) FROM (SELECT 1 FROM runs WHERE workflow = ?1 AND run < ?2 LIMIT {COMPARED})) \
         < (SELECT count(*) FROM (SELECT 1 FROM runs WHERE status IN ({}) AND status <> ",
            code!(completed),
            " AND run < ?2 \
         LIMIT {COMPARED}))"
        ),
        codes(query),
        COMPARED = COMPARED
    );
    let workflow_is_rarer = sqlx::query_scalar(AssertSqlSafe(sql))
        .bind(workflow)
        .bind(query.before.map_or(i64::MAX, RunKey::get))
        .fetch_one(connection)
        .await?;
    Ok(match workflow_is_rarer {
        true => ListedBy::Workflow,
        false => ListedBy::Status,
    })
}

fn codes(query: &RunQuery) -> String {
    let mut codes: Vec<i64> = query.statuses.iter().map(|status| status.code()).collect();
    codes.sort_unstable();
    codes.dedup();
    let codes: Vec<String> = codes.iter().map(ToString::to_string).collect();
    codes.join(",")
}

pub(super) fn list_sql(query: &RunQuery, by: ListedBy) -> String {
    // `+` keeps from an index.
    let only = |index| if by == index { "" } else { "+" };
    let mut sql = format!("SELECT {LISTED} FROM runs WHERE run < ?1");
    if !query.statuses.is_empty() {
        let (only, codes) = (only(ListedBy::Status), codes(query));
        sql.push_str(&format!(" AND {only}status IN ({codes})"));
    }
    if by == ListedBy::Status {
        // Repeats the condition of the partial index.
        sql.push_str(concat!(" AND status <> ", code!(completed)));
    }
    if query.workflow.is_some() {
        sql.push_str(&format!(" AND {}workflow = ?3", only(ListedBy::Workflow)));
    }
    if query.parent.is_some() {
        sql.push_str(" AND parent = ?4");
    }
    sql.push_str(" ORDER BY run DESC LIMIT ?2");
    sql
}
