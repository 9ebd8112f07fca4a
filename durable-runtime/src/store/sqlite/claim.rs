//! Claiming runs that are due.

use sqlx::SqliteConnection;

use super::{
    load::load,
    parked::parked,
    statement::json_list,
    worker::no_trial,
    writer::{begin, commit, roll_back},
};
use crate::store::codes::code;
use crate::{
    journal::{RunKey, Timestamp},
    store::{Claim, Claimed, LoadedRun, rules},
};

/// The condition that worker `?1` may take a suspect at the time `?2`.
macro_rules! may_try {
    () => {
        concat!(
            "EXISTS (SELECT 1 FROM workers AS w WHERE w.worker = ?1 \
             AND (w.trial IS NULL OR w.trial_until <= ?2 OR ",
            no_trial!(),
            "))"
        )
    };
}

/// Whether worker `w` can drive a workflow.
macro_rules! drives {
    ($workflow:literal) => {
        concat!(
            "(w.workflows IS NULL OR ",
            $workflow,
            " IN (SELECT value FROM json_each(w.workflows)))"
        )
    };
}

pub(super) use drives;

/// The workflows whose runs worker `?1` may take, as `mine`: of those that unowned runs wait for, the ones
/// it can drive, and the ones that nobody can, so that somebody says so. The names are found by jumping
/// through the index from one to the next: what a claim costs does not depend on how many runs wait for
/// other workers.
macro_rules! mine {
    () => {
        concat!(
            "WITH RECURSIVE waiting (workflow) AS (\
             SELECT min(workflow) FROM runs WHERE due IS NOT NULL UNION ALL \
             SELECT (SELECT min(r.workflow) FROM runs AS r \
             WHERE r.due IS NOT NULL AND r.workflow > n.workflow) \
             FROM waiting AS n WHERE n.workflow IS NOT NULL), \
             mine AS (SELECT n.workflow FROM waiting AS n WHERE n.workflow IS NOT NULL \
             AND (EXISTS (SELECT 1 FROM workers AS w WHERE w.worker = ?1 AND ",
            drives!("n.workflow"),
            ") OR NOT EXISTS (SELECT 1 FROM workers AS w WHERE ",
            drives!("n.workflow"),
            "))) "
        )
    };
}

/// Whether run `r` is one of those that a claim passes by: `?3`, as a JSON list.
macro_rules! is_excepted {
    () => {
        "r.run IN (SELECT value FROM json_each(?3))"
    };
}

pub(super) use is_excepted;

/// Whether run `r`, which is due, is no suspect. What a run has died is in its
/// row behind its input, and to get there SQLite reads all of it, so an index is asked: to choose runs nothing
/// is read that one of them may have damaged.
macro_rules! is_no_suspect {
    () => {
        concat!(
            "NOT EXISTS (SELECT 1 FROM runs AS s INDEXED BY runs_suspect WHERE s.workflow = r.workflow \
             AND s.due = r.due AND s.run = r.run AND s.due IS NOT NULL AND s.deaths >= ",
            code!(suspect_deaths),
            ")"
        )
    };
}

/// When the first run is due that the worker may take. A run with a due time has no owner.
pub(super) const NEXT_DUE: &str = concat!(
    mine!(),
    "SELECT min(due) FROM (SELECT (SELECT due FROM runs AS r WHERE r.workflow = m.workflow \
     AND r.due IS NOT NULL AND ",
    is_no_suspect!(),
    " AND NOT ",
    is_excepted!(),
    " ORDER BY r.due LIMIT 1) AS due FROM mine AS m \
     UNION ALL SELECT (SELECT due FROM runs AS r WHERE r.workflow = m.workflow \
     AND r.due IS NOT NULL AND r.deaths >= ",
    code!(suspect_deaths),
    " AND NOT ",
    is_excepted!(),
    " ORDER BY r.due LIMIT 1) FROM mine AS m WHERE ",
    may_try!(),
    ")"
);

const MINE: &str = concat!(mine!(), "SELECT workflow FROM mine");

/// The runs of one workflow that are due. A worker that was retired takes nothing: nobody would free its
/// runs again.
pub(super) const DUE: &str = concat!(
    "SELECT r.due, r.run, r.status FROM runs AS r WHERE r.workflow = ?4 AND r.due IS NOT NULL AND r.due <= ?2 \
     AND ",
    is_no_suspect!(),
    " AND NOT ",
    is_excepted!(),
    " AND EXISTS (SELECT 1 FROM workers WHERE worker = ?1) ORDER BY r.due, r.run LIMIT ?5"
);

pub(super) const SUSPECT: &str = concat!(
    mine!(),
    "SELECT r.run, r.status FROM runs AS r WHERE r.workflow IN mine AND r.due IS NOT NULL AND r.due <= ?2 \
     AND r.deaths >= ",
    code!(suspect_deaths),
    " AND NOT ",
    is_excepted!(),
    " AND ",
    may_try!(),
    " ORDER BY r.due, r.run LIMIT 1"
);

/// One run that a claim failed for, if it may be taken.
const ONE: &str = concat!(
    "SELECT r.run, r.status FROM runs AS r WHERE r.run = ?3 AND (r.owner = ?1 \
     OR (r.owner IS NULL AND (r.due <= ?2 OR r.status = ",
    code!(parked),
    "))) \
     AND EXISTS (SELECT 1 FROM workers WHERE worker = ?1)"
);

/// A run that is to be taken, and its status before that.
pub(super) type Chosen = (i64, i64);

/// A run that cannot be taken: its row cannot be written.
#[derive(Debug)]
pub(super) struct Culprit {
    pub(super) run: RunKey,
    pub(super) error: sqlx::Error,
}

pub(super) async fn next_due(
    connection: &mut SqliteConnection,
    claim: &Claim,
) -> Result<Option<Timestamp>, sqlx::Error> {
    let due: Option<i64> = sqlx::query_scalar(NEXT_DUE)
        .bind(claim.worker.get())
        .bind(claim.now.as_micros())
        .bind(excepted(claim))
        .fetch_one(connection)
        .await?;
    Ok(due.map(Timestamp::from_micros))
}

pub(super) async fn claim(
    connection: &mut SqliteConnection,
    claim: Claim,
) -> Result<Result<Claimed, Culprit>, sqlx::Error> {
    begin(connection).await?;
    let due = due(connection, &claim).await?;
    let mut chosen = fitting(connection, &due).await?;
    if chosen.len() == due.len() && chosen.len() < claim.limit {
        chosen.extend(put_on_trial(connection, &claim).await?);
    }
    let runs = match take_and_load(connection, &claim, &chosen).await? {
        Ok(runs) => runs,
        Err(culprit) => return Ok(Err(culprit)),
    };
    let next_due = next_due(connection, &claim).await?;
    Ok(Ok(Claimed { runs, next_due }))
}

/// Whether there is a parked run that the worker has not parked itself.
pub(super) async fn any_parked(
    connection: &mut SqliteConnection,
    claim: Claim,
) -> Result<bool, sqlx::Error> {
    let one = Claim { limit: 1, ..claim };
    Ok(!parked(connection, &one).await?.is_empty())
}

pub(super) async fn claim_parked(
    connection: &mut SqliteConnection,
    claim: Claim,
) -> Result<Result<Vec<LoadedRun>, Culprit>, sqlx::Error> {
    begin(connection).await?;
    let parked = parked(connection, &claim).await?;
    let chosen = fitting(connection, &parked).await?;
    take_and_load(connection, &claim, &chosen).await
}

pub(super) async fn claim_run(
    connection: &mut SqliteConnection,
    claim: Claim,
    run: RunKey,
) -> Result<Result<Vec<LoadedRun>, Culprit>, sqlx::Error> {
    begin(connection).await?;
    let chosen: Option<Chosen> = sqlx::query_as(ONE)
        .bind(claim.worker.get())
        .bind(claim.now.as_micros())
        .bind(run.get())
        .fetch_optional(&mut *connection)
        .await?;
    take_and_load(connection, &claim, chosen.as_slice()).await
}

/// Takes runs, ends the transaction, and loads them: when that fails, whose they are tells of which runs.
async fn take_and_load(
    connection: &mut SqliteConnection,
    claim: &Claim,
    chosen: &[Chosen],
) -> Result<Result<Vec<LoadedRun>, Culprit>, sqlx::Error> {
    match (take(connection, claim, chosen).await, chosen) {
        (Err(error), [(run, _)]) => {
            roll_back(connection).await?;
            let run = RunKey::new(*run);
            return Ok(Err(Culprit { run, error }));
        }
        (taken, _) => taken?,
    }
    commit(connection).await?;
    load(connection, claim, chosen).await.map(Ok)
}

/// The runs that are due, longest due first.
async fn due(connection: &mut SqliteConnection, claim: &Claim) -> Result<Vec<Chosen>, sqlx::Error> {
    let mine: Vec<String> = sqlx::query_scalar(MINE)
        .bind(claim.worker.get())
        .fetch_all(&mut *connection)
        .await?;
    let mut due: Vec<(i64, i64, i64)> = Vec::new();
    for workflow in mine {
        let of_workflow: Vec<(i64, i64, i64)> = sqlx::query_as(DUE)
            .bind(claim.worker.get())
            .bind(claim.now.as_micros())
            .bind(excepted(claim))
            .bind(workflow)
            .bind(limit(claim))
            .fetch_all(&mut *connection)
            .await?;
        due.extend(of_workflow);
    }
    due.sort_unstable();
    due.truncate(claim.limit);
    Ok(due
        .into_iter()
        .map(|(_, run, status)| (run, status))
        .collect())
}

/// Those of the runs, from the first, that are not too much to load together. One is not asked for its size,
/// which may be what cannot be read.
async fn fitting(
    connection: &mut SqliteConnection,
    runs: &[Chosen],
) -> Result<Vec<Chosen>, sqlx::Error> {
    if runs.len() < 2 {
        return Ok(runs.to_vec());
    }
    // SQLite knows the length of a blob without reading it.
    let bytes: Vec<i64> = sqlx::query_scalar(
        "SELECT coalesce((SELECT length(input) FROM runs WHERE run = w.value), 0) \
         + coalesce((SELECT sum(length(data)) FROM journal WHERE run = w.value), 0) \
         + coalesce((SELECT sum(length(data)) FROM mailbox WHERE run = w.value), 0) \
         FROM json_each(?) AS w ORDER BY w.key",
    )
    .bind(json_list(runs.iter().map(|(run, _)| *run)))
    .fetch_all(connection)
    .await?;
    let bytes = bytes
        .into_iter()
        .map(|bytes| usize::try_from(bytes).unwrap_or(0));
    Ok(runs[..rules::fitting(bytes)].to_vec())
}

pub(super) fn limit(claim: &Claim) -> i64 {
    i64::try_from(claim.limit).unwrap_or(i64::MAX)
}

pub(super) fn excepted(claim: &Claim) -> String {
    json_list(claim.except.iter().map(|run| run.get()))
}

/// Takes at most one suspect, unless the worker has one on trial.
async fn put_on_trial(
    connection: &mut SqliteConnection,
    claim: &Claim,
) -> Result<Option<Chosen>, sqlx::Error> {
    let suspect: Option<Chosen> = sqlx::query_as(SUSPECT)
        .bind(claim.worker.get())
        .bind(claim.now.as_micros())
        .bind(excepted(claim))
        .fetch_optional(&mut *connection)
        .await?;
    if let Some((suspect, _)) = suspect {
        sqlx::query("UPDATE workers SET trial = ?, trial_until = ? WHERE worker = ?")
            .bind(suspect)
            .bind(claim.now.after(rules::TRIAL).as_micros())
            .bind(claim.worker.get())
            .execute(connection)
            .await?;
    }
    Ok(suspect)
}

async fn take(
    connection: &mut SqliteConnection,
    claim: &Claim,
    chosen: &[Chosen],
) -> Result<(), sqlx::Error> {
    // 0 pending, 1 running, 8 parked.
    sqlx::query(concat!(
        "UPDATE runs SET owner = ?, epoch = epoch + 1, due = NULL, reason = NULL, updated_at = ?, \
         status = CASE WHEN status IN (",
        code!(pending),
        ", ",
        code!(parked),
        ") THEN ",
        code!(running),
        " ELSE status END \
         WHERE run IN (SELECT value FROM json_each(?))"
    ))
    .bind(claim.worker.get())
    .bind(claim.now.as_micros())
    .bind(json_list(chosen.iter().map(|(run, _)| *run)))
    .execute(connection)
    .await?;
    Ok(())
}
