//! Starting runs.

use std::{collections::HashMap, convert::Infallible};

use sqlx::{AssertSqlSafe, Row, SqliteConnection};

use super::{
    convert::{self, THERE, unreadable},
    statement::{Bound, Rows},
};
use crate::{
    journal::{Epoch, RunKey},
    status::Status,
    store::{NewRun, StartOutcome, columns::There},
};

const HEAD: &str = "INSERT OR ROLLBACK INTO runs (run, id, workflow, status, epoch, owner, due, parent, \
     parent_step, seed, input, created_at, updated_at) SELECT *, column12 FROM (VALUES ";

/// Columns: run (NULL for the next free number), id, workflow, status, epoch, owner, due, parent, its step,
/// seed, input, time.
const ROW: &str = "(?,?,?,?,?,?,?,?,?,?,?,?)";

static INSERT: Rows = Rows::new(
    HEAD,
    ROW,
    ") WHERE column2 IS NOT NULL ON CONFLICT (id) DO NOTHING",
);

/// Takes no number, and so writes nothing, when the id is taken.
static INSERT_ONE: Rows = Rows::new(
    HEAD,
    ROW,
    ") WHERE NOT EXISTS (SELECT 1 FROM runs AS r WHERE r.id = column2)",
);

/// Fails when an id is taken.
pub(super) static INSERT_ALL: Rows = Rows::new(HEAD, ROW, ") WHERE column2 IS NOT NULL");

/// The last number that a run got, also when that run was deleted.
pub(super) const LAST: &str = "SELECT max(coalesce((SELECT max(run) FROM runs), 0), \
     coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'runs'), 0))";

/// Starts one run in a statement of its own, without a transaction around it.
pub(super) async fn start_one(
    connection: &mut SqliteConnection,
    new: &NewRun,
) -> Result<StartOutcome, sqlx::Error> {
    let Ok(statement) = bind(sqlx::query(INSERT_ONE.text(1)), None, new);
    let done = statement.execute(&mut *connection).await?;
    if done.rows_affected() == 1 {
        let run = RunKey::new(done.last_insert_rowid());
        return Ok(StartOutcome::Created { run });
    }
    let there = existing(connection, &[new]).await?;
    there
        .get(new.id.as_str())
        .map(|there| there.meet(new))
        .ok_or_else(|| unreadable("a run that was there has gone"))
}

/// Starts runs inside a transaction.
pub(super) async fn start_all(
    connection: &mut SqliteConnection,
    runs: &[&NewRun],
) -> Result<Vec<StartOutcome>, sqlx::Error> {
    if runs.is_empty() {
        return Ok(Vec::new());
    }
    let mut there = existing(connection, runs).await?;
    let last: i64 = sqlx::query_scalar(LAST).fetch_one(&mut *connection).await?;
    let mut key = last;
    let mut outcomes = Vec::with_capacity(runs.len());
    let mut created = Vec::with_capacity(runs.len());
    for &new in runs {
        if let Some(there) = there.get(new.id.as_str()) {
            outcomes.push(there.meet(new));
            continue;
        }
        key += 1;
        let run = RunKey::new(key);
        created.push((run, new));
        outcomes.push(StartOutcome::Created { run });
        // The same id again in the same batch meets this one.
        there.insert(new.id.as_str().to_owned(), just_created(run, new));
    }
    for statement in INSERT.over(&created, |s, (run, new)| bind(s, Some(*run), new)) {
        let Ok(statement) = statement;
        statement.execute(&mut *connection).await?;
    }
    Ok(outcomes)
}

fn just_created(run: RunKey, new: &NewRun) -> There {
    There {
        run,
        workflow: new.workflow.clone(),
        input: new.input.clone(),
        parent: new.parent.as_ref().map(|parent| parent.run),
        seed: new.seed,
        epoch: Epoch::new(i64::from(new.owner.is_some())),
        owner: new.owner,
    }
}

/// Those of the runs that are there already, by id.
pub(super) async fn existing(
    connection: &mut SqliteConnection,
    runs: &[&NewRun],
) -> Result<HashMap<String, There>, sqlx::Error> {
    let ids: Vec<&str> = runs.iter().map(|new| new.id.as_str()).collect();
    let ids = serde_json::to_string(&ids).map_err(unreadable)?;
    let rows = sqlx::query(AssertSqlSafe(format!(
        "SELECT id, {THERE} FROM runs WHERE id IN (SELECT value FROM json_each(?))"
    )))
    .bind(ids)
    .fetch_all(connection)
    .await?;
    rows.iter()
        .map(|row| Ok((row.try_get(0)?, convert::there(row, 1)?)))
        .collect()
}

pub(super) fn bind(
    statement: Bound,
    run: Option<RunKey>,
    new: &NewRun,
) -> Result<Bound, Infallible> {
    let (status, epoch, due) = match new.owner {
        Some(_) => (Status::Running, 1_i64, None),
        None => (Status::Pending, 0, Some(0_i64)),
    };
    let parent = new.parent.as_ref();
    Ok(statement
        .bind(run.map(RunKey::get))
        .bind(new.id.as_str())
        .bind(new.workflow.as_str())
        .bind(status.code())
        .bind(epoch)
        .bind(new.owner.map(|worker| worker.get()))
        .bind(due)
        .bind(parent.map(|parent| parent.run.get()))
        .bind(parent.map(|parent| parent.step.as_str()))
        .bind(new.seed)
        .bind(new.input.as_bytes())
        .bind(new.at.as_micros()))
}
