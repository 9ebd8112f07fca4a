//! One batch, one transaction.
//!
//! Most batches are written in [`one_call`]. Any other is written by a few statements over many rows, as if
//! every commit's fence held, and counts tell whether it went well. If not, it is rolled back, each
//! commit is looked at by itself, and the rest is written.

use std::collections::HashMap;

use sqlx::SqliteConnection;

use super::{
    mail::{self, Delivered, Target},
    one_call, progress,
    standing::{Standing, standing},
    starts,
    writer::{begin, commit, roll_back},
};
use crate::{
    journal::{RunKey, WorkerId},
    status::Status,
    store::{
        Batch, BatchOutcome, Commit, CommitOutcome, MailOutcome, NewMail, NewRun, Ownership,
        StartOutcome, StoreError,
    },
};

/// What became of a batch; an error when signals have no room, and then nothing was written.
pub(super) type Outcome = Result<BatchOutcome, StoreError>;

pub(super) async fn write(
    connection: &mut SqliteConnection,
    batch: Batch,
) -> Result<Outcome, sqlx::Error> {
    if batch.is_empty() {
        return Ok(Ok(BatchOutcome::default()));
    }
    if let Some(outcome) = one_call::write(connection, &batch).await? {
        return Ok(Ok(outcome));
    }
    begin(connection).await?;
    let outcome = match write_all(connection, &batch).await? {
        Some(outcome) => outcome,
        None => {
            roll_back(connection).await?;
            begin(connection).await?;
            write_carefully(connection, &batch).await?
        }
    };
    match &outcome {
        Ok(_) => commit(connection).await?,
        Err(_) => roll_back(connection).await?,
    }
    Ok(outcome)
}

/// Writes everything. `None` when a commit is not fresh; roll back then.
async fn write_all(
    connection: &mut SqliteConnection,
    batch: &Batch,
) -> Result<Option<Outcome>, sqlx::Error> {
    let (starts, mail) = match write_arrivals(connection, batch).await? {
        Ok(arrivals) => arrivals,
        Err(full) => return Ok(Some(Err(full))),
    };
    let commits: Vec<&Commit> = batch.commits.iter().collect();
    let commits = write_commits(connection, batch.sender(), &commits).await?;
    Ok(commits.map(|commits| {
        Ok(BatchOutcome {
            starts,
            mail,
            commits,
        })
    }))
}

async fn write_arrivals(
    connection: &mut SqliteConnection,
    batch: &Batch,
) -> Result<Result<(Vec<StartOutcome>, Vec<MailOutcome>), StoreError>, sqlx::Error> {
    let runs: Vec<&NewRun> = batch.starts.iter().collect();
    let starts = starts::start_all(connection, &runs).await?;
    let mail: Vec<&NewMail> = batch.mail.iter().collect();
    if mail.is_empty() {
        return Ok(Ok((starts, Vec::new())));
    }
    let repeated = match batch.id {
        Some(id) => mail::is_repeated(connection, id).await?,
        None => false,
    };
    if repeated {
        return Ok(Ok((starts, mail::delivered(connection, &mail).await?)));
    }
    let targets = mail::targets(connection, &mail, &[]).await?;
    let without_room = mail::without_room(connection, &mail, &targets, batch.mailbox_max).await?;
    if !without_room.is_empty() {
        return Ok(Err(StoreError::without_room(without_room)));
    }
    let Delivered { outcomes, woken } = mail::deliver(connection, &mail, &targets).await?;
    mail::wake(connection, woken).await?;
    Ok(Ok((starts, outcomes)))
}

/// Writes commits of which each must be fresh. `None` when one is not; roll back then.
async fn write_commits(
    connection: &mut SqliteConnection,
    sender: Option<WorkerId>,
    commits: &[&Commit],
) -> Result<Option<Vec<CommitOutcome>>, sqlx::Error> {
    if !progress::all_fenced(connection, sender, commits).await?
        || !progress::append(connection, commits).await?
    {
        return Ok(None);
    }
    let children: Vec<&NewRun> = commits.iter().flat_map(|c| &c.children).collect();
    let mut children = starts::start_all(connection, &children).await?.into_iter();
    progress::consume(connection, commits).await?;
    let Delivered { outcomes, woken } = send(connection, commits).await?;
    progress::update(connection, commits).await?;
    // Only now are those released that the mail found released.
    mail::wake(connection, woken).await?;
    let mut outgoing = outcomes.into_iter().map(MailOutcome::delivery);
    let outcome = |commit: &&Commit| CommitOutcome::Committed {
        children: children.by_ref().take(commit.children.len()).collect(),
        outgoing: outgoing.by_ref().take(commit.outgoing.len()).collect(),
    };
    Ok(Some(commits.iter().map(outcome).collect()))
}

/// Sends what commits send. It goes before the updates, which then see all mail; what an earlier
/// commit of the batch is about to change is taken into account.
async fn send(
    connection: &mut SqliteConnection,
    commits: &[&Commit],
) -> Result<Delivered, sqlx::Error> {
    let outgoing: Vec<(usize, &NewMail)> = commits
        .iter()
        .enumerate()
        .flat_map(|(index, commit)| commit.outgoing.iter().map(move |mail| (index, mail)))
        .collect();
    if outgoing.is_empty() {
        return Ok(Delivered::default());
    }
    let mail: Vec<&NewMail> = outgoing.iter().map(|(_, mail)| *mail).collect();
    let positions: HashMap<RunKey, usize> = commits
        .iter()
        .enumerate()
        .map(|(index, commit)| (commit.run, index))
        .collect();
    let parking = commits.iter().filter(|commit| parks(commit));
    let parking: Vec<i64> = parking.map(|commit| commit.run.get()).collect();
    let mut targets = mail::targets(connection, &mail, &parking).await?;
    for ((sender, _), target) in outgoing.iter().zip(&mut targets) {
        let Some(target) = target else { continue };
        let update = positions
            .get(&target.run)
            .filter(|position| *position <= sender)
            .and_then(|position| commits[*position].update.as_ref());
        let Some(update) = update else { continue };
        *target = Target {
            run: target.run,
            status: update.status,
            owned: target.owned && update.ownership == Ownership::Keep,
            ..*target
        };
    }
    mail::deliver(connection, &mail, &targets).await
}

fn parks(commit: &Commit) -> bool {
    let update = commit.update.as_ref();
    update.is_some_and(|update| update.status == Status::Parked)
}

/// Looks at each commit by itself and writes those that are fresh.
async fn write_carefully(
    connection: &mut SqliteConnection,
    batch: &Batch,
) -> Result<Outcome, sqlx::Error> {
    let (starts, mail) = match write_arrivals(connection, batch).await? {
        Ok(arrivals) => arrivals,
        Err(full) => return Ok(Err(full)),
    };
    let mut standings = Vec::with_capacity(batch.commits.len());
    for commit in &batch.commits {
        standings.push(standing(connection, batch.sender(), commit).await?);
    }
    let fresh: Vec<&Commit> = batch
        .commits
        .iter()
        .zip(&standings)
        .filter(|(_, standing)| **standing == Standing::Fresh)
        .map(|(commit, _)| commit)
        .collect();
    let written = write_commits(connection, batch.sender(), &fresh).await?;
    let mut written = written
        .ok_or_else(|| sqlx::Error::Protocol("a commit is both fresh and taken".to_owned()))?
        .into_iter();
    let mut commits = Vec::with_capacity(batch.commits.len());
    for (commit, standing) in batch.commits.iter().zip(standings) {
        commits.push(match standing {
            Standing::Fresh => written.next().unwrap_or(CommitOutcome::LostOwnership),
            Standing::Repeated => repeated(connection, commit).await?,
            Standing::Lost => CommitOutcome::LostOwnership,
        });
    }
    Ok(Ok(BatchOutcome {
        starts,
        mail,
        commits,
    }))
}

async fn repeated(
    connection: &mut SqliteConnection,
    commit: &Commit,
) -> Result<CommitOutcome, sqlx::Error> {
    let children: Vec<&NewRun> = commit.children.iter().collect();
    let there = starts::existing(connection, &children).await?;
    let mail: Vec<&NewMail> = commit.outgoing.iter().collect();
    let outgoing = mail::delivered(connection, &mail).await?;
    Ok(CommitOutcome::Committed {
        children: children
            .iter()
            .filter_map(|child| Some(there.get(child.id.as_str())?.meet(child)))
            .collect(),
        outgoing: outgoing.into_iter().map(MailOutcome::delivery).collect(),
    })
}
