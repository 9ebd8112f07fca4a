//! One batch, one call of `write_batch`: see `write_batch.sql`. A batch of one
//! part is a statement of its own.

use std::collections::{HashMap, HashSet};

use sqlx::{PgConnection, Row, postgres::PgRow};

use super::{
    clients,
    columns::Call,
    convert::{text, unreadable, wanted},
    notify::Hints,
    progress, single, starts,
};
use crate::{
    journal::{MailId, RunId, RunKey, WorkerId},
    status::Status,
    store::{
        Batch, BatchId, BatchOutcome, Commit, CommitOutcome, Delivery, Hint, MailKind, MailOutcome,
        MailTarget, NewRun, StartOutcome, StoreError, columns::There, rules,
    },
};

/// Writes a batch. The inner error is that signals have no room; then nothing was written.
pub(super) async fn write(
    connection: &mut PgConnection,
    batch: Batch,
    hints: &Hints,
) -> Result<Result<BatchOutcome, StoreError>, sqlx::Error> {
    if batch.is_empty() {
        return Ok(Ok(BatchOutcome::default()));
    }
    let written = match single::write(connection, &batch).await? {
        Some(written) => written,
        None if clients::is_asked(&batch) => clients::write(connection, &batch).await?,
        None => call(connection, &batch).await?,
    };
    if !written.without_room.is_empty() {
        return Ok(Err(StoreError::without_room(written.without_room)));
    }
    hints.tell(|| written.hint(&batch));
    written.outcome(connection, &batch).await.map(Ok)
}

/// Whether the mail of a batch was written; if not, it never will be.
pub(super) async fn settle(
    connection: &mut PgConnection,
    batch: BatchId,
) -> Result<bool, sqlx::Error> {
    // Waits for a try of the batch that is under way.
    let settled = sqlx::query(single::remember!("$1", "$2", "TRUE"))
        .bind(batch.worker.get())
        .bind(batch.number)
        .execute(connection)
        .await?;
    Ok(settled.rows_affected() == 0)
}

/// Of the runs that a batch writes to, those whose rows somebody else holds.
pub(super) async fn locked(
    connection: &mut PgConnection,
    batch: &Batch,
) -> Result<Vec<(RunKey, RunId)>, sqlx::Error> {
    let outgoing = batch.commits.iter().flat_map(|commit| &commit.outgoing);
    let mut runs: Vec<i64> = batch.commits.iter().map(|c| c.run.get()).collect();
    let mut ids = Vec::new();
    for mail in batch.mail.iter().chain(outgoing) {
        match &mail.to {
            MailTarget::Key(run) => runs.push(run.get()),
            MailTarget::Id(id) => ids.extend(wanted(id.as_str())),
        }
    }
    let rows = sqlx::query(
        "WITH free AS MATERIALIZED (SELECT run FROM runs WHERE run IN (\
         SELECT unnest($1::BIGINT[]) UNION SELECT r.run FROM unnest($2::TEXT[]) AS n (id) \
         JOIN runs AS r ON r.id = n.id) FOR NO KEY UPDATE SKIP LOCKED) \
         SELECT run, id FROM runs WHERE run IN (\
         SELECT unnest($1::BIGINT[]) UNION SELECT r.run FROM unnest($2::TEXT[]) AS n (id) \
         JOIN runs AS r ON r.id = n.id) AND run NOT IN (SELECT run FROM free)",
    )
    .bind(runs)
    .bind(ids)
    .fetch_all(connection)
    .await?;
    let locked = |row: &PgRow| {
        Ok((
            RunKey::new(row.try_get(0)?),
            RunId::from_recorded(row.try_get(1)?),
        ))
    };
    rows.iter().map(locked).collect()
}

pub(super) async fn call(
    connection: &mut PgConnection,
    batch: &Batch,
) -> Result<Written, sqlx::Error> {
    let (row, order) = match Call::of(batch)?.fetch(connection, false).await {
        Err(error) if is_taken(&error) => Call::of(batch)?.fetch(connection, true).await?,
        done => done?,
    };
    Written::read(&row, &order)
}

/// Whether nothing was written because something was there already: the batch was sent before, or it
/// comes from a worker that has lost its runs.
fn is_taken(error: &sqlx::Error) -> bool {
    let error = error.as_database_error();
    error.is_some_and(sqlx::error::DatabaseError::is_unique_violation)
}

/// What was written.
#[derive(Debug, Default)]
pub(super) struct Written {
    /// By commit.
    pub(super) fresh: Vec<bool>,
    /// By start, those of clients first.
    pub(super) started: Vec<Option<RunKey>>,
    /// By piece of mail, that of clients first; `None` when there is no such run.
    pub(super) mail: Vec<Option<Arrival>>,
    /// The signals of clients that have no room, by their places; if there are any, nothing was written.
    pub(super) without_room: Vec<usize>,
}

/// Where a piece of mail came to.
#[derive(Debug, Clone, Copy)]
pub(super) struct Arrival {
    pub(super) run: RunKey,
    pub(super) status: i16,
    pub(super) owner: Option<WorkerId>,
    /// Its number, if it was put into the mailbox.
    pub(super) number: Option<MailId>,
}

impl Arrival {
    /// What became of mail of this kind.
    fn outcome(self, kind: &MailKind) -> MailOutcome {
        let status = Status::from_code(self.status.into());
        let refusal = status.and_then(|status| rules::refusal(status, kind));
        refusal.unwrap_or_else(|| {
            MailOutcome::Delivered(Delivery {
                run: self.run,
                mail: self.number,
                owned: self.owner.is_some(),
            })
        })
    }
}

impl Written {
    fn read(row: &PgRow, order: &[usize]) -> Result<Self, sqlx::Error> {
        let without_room: Option<Vec<i32>> = row.try_get("without_room")?;
        let without_room = without_room.unwrap_or_default().into_iter();
        let without_room: Vec<usize> = without_room.flat_map(usize::try_from).collect();
        if !without_room.is_empty() {
            return Ok(Self {
                without_room,
                ..Self::default()
            });
        }
        let mut fresh = vec![false; order.len()];
        let in_order: Vec<bool> = row.try_get("fresh")?;
        for (index, is_fresh) in order.iter().zip(in_order) {
            fresh[*index] = is_fresh;
        }
        let drawn: Option<Vec<Option<i64>>> = row.try_get("drawn")?;
        let written: Option<Vec<i64>> = row.try_get("written")?;
        let written: HashSet<i64> = written.unwrap_or_default().into_iter().collect();
        let started = drawn.unwrap_or_default().into_iter();
        Ok(Self {
            fresh,
            started: started
                .map(|run| run.filter(|run| written.contains(run)).map(RunKey::new))
                .collect(),
            mail: arrivals(row)?,
            without_room,
        })
    }

    /// What of it concerns other processes.
    fn hint(&self, batch: &Batch) -> Hint {
        let me = batch.sender();
        let children = batch.commits.iter().flat_map(|commit| &commit.children);
        let runs = batch.starts.iter().chain(children).zip(&self.started);
        let mut hint = Hint {
            due: runs
                .into_iter()
                .any(|(new, started)| new.owner.is_none() && started.is_some()),
            ..Hint::default()
        };
        let mail = self.mail.iter().flatten();
        for arrival in mail.filter(|arrival| arrival.number.is_some()) {
            match arrival.owner {
                None => hint.due = true,
                Some(owner) if Some(owner) != me => hint.mail.push(arrival.run),
                Some(_) => {}
            }
        }
        let commits = batch.commits.iter().zip(&self.fresh);
        let ended = commits.filter(|(commit, fresh)| **fresh && ends(commit));
        hint.ended.extend(ended.map(|(commit, _)| commit.run));
        hint
    }

    /// Says what became of each part. Parts that were not written are looked up: those of an earlier try
    /// of the same batch are as good.
    async fn outcome(
        self,
        connection: &mut PgConnection,
        batch: &Batch,
    ) -> Result<BatchOutcome, sqlx::Error> {
        let children = batch.commits.iter().flat_map(|commit| &commit.children);
        let runs: Vec<&NewRun> = batch.starts.iter().chain(children).collect();
        let there = self.look_up(connection, &runs).await?;
        let mut starts = runs
            .iter()
            .zip(&self.started)
            .map(|(new, started)| start_outcome(new, *started, &there));
        let outgoing = batch.commits.iter().flat_map(|commit| &commit.outgoing);
        let mail = batch.mail.iter().chain(outgoing).zip(self.mail);
        let mut mail = mail.map(|(new, arrival)| {
            arrival.map_or(MailOutcome::UnknownRun, |arrival| {
                arrival.outcome(&new.kind)
            })
        });
        let mut outcome = BatchOutcome {
            starts: starts
                .by_ref()
                .take(batch.starts.len())
                .collect::<Result<_, _>>()?,
            mail: mail.by_ref().take(batch.mail.len()).collect(),
            commits: Vec::with_capacity(batch.commits.len()),
        };
        for (commit, is_fresh) in batch.commits.iter().zip(&self.fresh) {
            let children = starts.by_ref().take(commit.children.len());
            let children: Vec<_> = children.collect();
            let outgoing = mail.by_ref().take(commit.outgoing.len());
            let outgoing = outgoing.map(MailOutcome::delivery).collect();
            let is_there = *is_fresh || progress::is_repeated(connection, commit).await?;
            outcome.commits.push(if is_there {
                CommitOutcome::Committed {
                    children: children.into_iter().collect::<Result<_, _>>()?,
                    outgoing,
                }
            } else {
                CommitOutcome::LostOwnership
            });
        }
        Ok(outcome)
    }

    async fn look_up(
        &self,
        connection: &mut PgConnection,
        runs: &[&NewRun],
    ) -> Result<HashMap<String, There>, sqlx::Error> {
        let others: Vec<&NewRun> = runs
            .iter()
            .zip(&self.started)
            .filter(|(_, started)| started.is_none())
            .map(|(new, _)| *new)
            .collect();
        if others.is_empty() {
            return Ok(HashMap::new());
        }
        starts::existing(connection, &others).await
    }
}

fn start_outcome(
    new: &NewRun,
    started: Option<RunKey>,
    there: &HashMap<String, There>,
) -> Result<StartOutcome, sqlx::Error> {
    if let Some(run) = started {
        return Ok(StartOutcome::Created { run });
    }
    there
        .get(&*text(new.id.as_str()))
        .map(|there| there.meet(new))
        .ok_or_else(|| unreadable("a run that was there has gone"))
}

/// Whether whoever waits for the run's end has waited long enough.
fn ends(commit: &Commit) -> bool {
    let update = commit.update.as_ref();
    update.is_some_and(|update| update.status.is_terminal() || update.status == Status::Parked)
}

fn arrivals(row: &PgRow) -> Result<Vec<Option<Arrival>>, sqlx::Error> {
    let Some(runs) = row.try_get::<Option<Vec<Option<i64>>>, _>("mail_run")? else {
        return Ok(Vec::new());
    };
    let statuses: Vec<Option<i16>> = row.try_get("mail_status")?;
    let owners: Vec<Option<i64>> = row.try_get("mail_owner")?;
    let numbers: Vec<Option<i64>> = row.try_get("mail_number")?;
    let mail = runs.into_iter().zip(statuses).zip(owners).zip(numbers);
    let arrivals = mail.map(|(((run, status), owner), number)| {
        Some(Arrival {
            run: RunKey::new(run?),
            status: status?,
            owner: owner.map(WorkerId::new),
            number: number.map(MailId::new),
        })
    });
    Ok(arrivals.collect())
}
