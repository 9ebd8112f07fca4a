//! Calls at the same time, through two stores on one database.

use std::{collections::BTreeSet, sync::Arc};

use tokio::task::JoinSet;

use super::{
    fixture::{
        CommitExt, Fixture, at, commit, commits, completed, mails, new_run, owned, signal, starts,
    },
    run::CaseResult,
};
use crate::{
    failure::BoxError,
    journal::RunKey,
    status::Status,
    store::{Claim, CommitOutcome, NewRun, NewWorker, StartOutcome, Store},
};

const RUNS: u32 = 60;

fn is_committed(outcome: &CommitOutcome) -> bool {
    matches!(outcome, CommitOutcome::Committed { .. })
}

/// Ends all tasks, and gives their results.
async fn join<T: 'static>(mut tasks: JoinSet<Result<T, BoxError>>) -> Result<Vec<T>, BoxError> {
    let mut results = Vec::new();
    while let Some(result) = tasks.join_next().await {
        results.push(result??);
    }
    Ok(results)
}

pub(super) async fn each_run_is_claimed_by_one_worker(f: Fixture) -> CaseResult {
    f.write(starts((0..RUNS).map(|n| new_run(&n.to_string()))))
        .await?;
    let stores = [f.store(), f.second().await?];
    let mut tasks = JoinSet::new();
    for n in 0..4 {
        let store = Arc::clone(&stores[n % 2]);
        tasks.spawn(async move {
            let worker = store.register_worker(NewWorker::until(at(60))).await?;
            let mut taken = Vec::new();
            loop {
                let claim = Claim::new(worker, at(1), 7);
                let claimed = store.claim(claim).await?;
                if claimed.runs.is_empty() && claimed.next_due.is_none() {
                    return Ok::<_, BoxError>(taken);
                }
                taken.extend(claimed.runs.iter().map(|run| (run.run, run.epoch.get())));
            }
        });
    }
    let taken: Vec<(RunKey, i64)> = join(tasks).await?.concat();
    let distinct: BTreeSet<_> = taken.iter().collect();
    assert_eq!(
        (taken.len(), distinct.len()),
        (RUNS as usize, RUNS as usize)
    );
    assert!(taken.iter().all(|(_, epoch)| *epoch == 1));
    stores[1].close().await?;
    Ok(())
}

pub(super) async fn an_id_is_taken_once(f: Fixture) -> CaseResult {
    let stores = [f.store(), f.second().await?];
    let mut tasks = JoinSet::new();
    for n in 0..4_u8 {
        let store = Arc::clone(&stores[usize::from(n) % 2]);
        tasks.spawn(async move {
            let mut created = Vec::new();
            for id in 0..20 {
                let new = NewRun {
                    seed: i64::from(n),
                    ..new_run(&id.to_string())
                };
                let outcome = store.commit(&starts([new])).await?;
                if let StartOutcome::Created { run } = outcome.starts[0] {
                    created.push(run);
                }
            }
            Ok::<_, BoxError>(created)
        });
    }
    let created = join(tasks).await?.concat();
    assert_eq!(created.len(), 20);
    assert_eq!(f.claim(at(0)).await?.len(), 20);
    stores[1].close().await?;
    Ok(())
}

pub(super) async fn of_two_commits_at_one_position_one_is_written(f: Fixture) -> CaseResult {
    let run = f.start_owned("a").await?;
    let stores = [f.store(), f.second().await?];
    for position in 0..10 {
        let mut tasks = JoinSet::new();
        for (n, store) in stores.iter().cloned().enumerate() {
            let step = commit(run, 1, position).events([completed("x", n as u32)]);
            tasks.spawn(async move {
                let outcome = store.commit(&commits([step])).await?;
                Ok::<_, BoxError>(is_committed(&outcome.commits[0]))
            });
        }
        let written = join(tasks).await?;
        assert_eq!(written.iter().filter(|written| **written).count(), 1);
        assert_eq!(f.history(run).await?.len(), position as usize + 1);
    }
    stores[1].close().await?;
    Ok(())
}

/// A worker that is taken for dead writes on while another takes over: what it wrote before is
/// loaded, what comes after is refused.
pub(super) async fn a_take_over_sees_exactly_what_was_acknowledged(f: Fixture) -> CaseResult {
    let other = f.second().await?;
    let heir = other.register_worker(NewWorker::until(at(900))).await?;
    for round in 0..10 {
        let worker = f.store().register_worker(NewWorker::until(at(10))).await?;
        let run = f.start_run(owned(&round.to_string(), worker)).await?;
        let store = f.store();
        let writing = tokio::spawn(async move {
            let mut written = 0;
            while written < 40 {
                let step = commit(run, 1, written).events([completed("x", written)]);
                let outcome = store.commit(&commits([step])).await?;
                if !is_committed(&outcome.commits[0]) {
                    break;
                }
                written += 1;
            }
            Ok::<_, BoxError>(written as usize)
        });
        for _ in 0..round {
            tokio::task::yield_now().await;
        }
        other.reap(at(11)).await?;
        let claim = Claim::new(heir, at(11), 1);
        // A run that is being written to at this moment may be passed over.
        let loaded = loop {
            if let Some(loaded) = other.claim(claim.clone()).await?.runs.pop() {
                break loaded;
            }
        };
        assert_eq!(loaded.events.len(), writing.await??);
        assert_eq!(f.history(run).await?, loaded.events);
    }
    other.close().await?;
    Ok(())
}

pub(super) async fn mail_from_everywhere_arrives_once_each(f: Fixture) -> CaseResult {
    let run = f.start("a").await?;
    let stores = [f.store(), f.second().await?];
    let mut tasks = JoinSet::new();
    for sender in 0..4_u32 {
        let store = Arc::clone(&stores[sender as usize % 2]);
        tasks.spawn(async move {
            let mut numbers = Vec::new();
            for n in 0..15 {
                let outcome = store
                    .commit(&mails([signal(run, &sender.to_string(), n)]))
                    .await?;
                let delivery = outcome.mail[0].clone().delivery().ok_or("not delivered")?;
                numbers.push(delivery.mail);
            }
            assert!(numbers.is_sorted(), "{numbers:?}");
            Ok::<_, BoxError>(numbers)
        });
    }
    let numbers: BTreeSet<_> = join(tasks).await?.into_iter().flatten().collect();
    assert_eq!(numbers.len(), 60);
    let mailbox = f.store().mailbox(run).await?;
    assert!(mailbox.iter().map(|mail| Some(mail.id)).eq(numbers));
    for sender in 0..4_u32 {
        let sent = (0..15).map(|n| signal(run, &sender.to_string(), n).kind);
        let name = sender.to_string();
        let from = mailbox.iter().map(|mail| &mail.kind).filter(
            |kind| matches!(kind, crate::store::MailKind::Signal { name: n, .. } if *n == name),
        );
        assert!(from.cloned().eq(sent));
    }
    stores[1].close().await?;
    Ok(())
}

/// Mail that races with a release is never overlooked: the run is due afterwards, or its owner was
/// told.
pub(super) async fn mail_that_races_with_a_release_wakes(f: Fixture) -> CaseResult {
    let other = f.second().await?;
    for round in 0..20 {
        let run = f.start_owned(&round.to_string()).await?;
        let sender = Arc::clone(&other);
        let sending = tokio::spawn(async move {
            for _ in 0..round % 4 {
                tokio::task::yield_now().await;
            }
            sender.commit(&mails([signal(run, "s", 1)])).await
        });
        let release = commit(run, 1, 0).release(Status::Suspended, None, 0);
        f.committed(release).await?;
        sending.await??;
        assert_eq!(f.claim_one(at(1)).await?.mail.len(), 1, "round {round}");
    }
    other.close().await?;
    Ok(())
}

pub(super) async fn a_reader_always_sees_a_whole_prefix(f: Fixture) -> CaseResult {
    let run = f.start_owned("a").await?;
    let store = f.store();
    let writing = tokio::spawn(async move {
        for n in 0..30 {
            let pair = [completed("x", 2 * n), completed("x", 2 * n + 1)];
            store
                .commit(&commits([commit(run, 1, 2 * n).events(pair)]))
                .await?;
        }
        Ok::<_, BoxError>(())
    });
    let other = f.second().await?;
    let mut last = 0;
    while last < 60 {
        let finished = writing.is_finished();
        let history = other.history(run).await?;
        let wanted: Vec<_> = (0..history.len() as u32)
            .map(|n| completed("x", n))
            .collect();
        assert_eq!(history, wanted);
        assert!(history.len() >= last && history.len().is_multiple_of(2));
        last = history.len();
        assert!(last == 60 || !finished, "{last} after the last commit");
    }
    writing.await??;
    other.close().await?;
    Ok(())
}

/// Batches that touch the same runs in opposite orders all get through.
pub(super) async fn batches_in_opposite_orders_do_not_block_each_other(f: Fixture) -> CaseResult {
    let mut runs = Vec::new();
    for n in 0..12 {
        runs.push(f.waiting(&n.to_string(), None).await?);
    }
    let stores = [f.store(), f.second().await?];
    let mut tasks = JoinSet::new();
    for (n, store) in stores.iter().cloned().enumerate() {
        let mut order = runs.clone();
        if n == 1 {
            order.reverse();
        }
        tasks.spawn(async move {
            for round in 0..20 {
                let batch = mails(order.iter().map(|run| signal(*run, "s", round)));
                store.commit(&batch).await?;
            }
            Ok::<_, BoxError>(())
        });
    }
    join(tasks).await?;
    for run in runs {
        assert_eq!(f.mailbox(run).await?.len(), 40);
    }
    assert_eq!(f.claim(at(0)).await?.len(), 12);
    stores[1].close().await?;
    Ok(())
}

/// Parents and children that end, start and write to each other at once, as two workers do.
pub(super) async fn two_workers_write_to_each_others_runs(f: Fixture) -> CaseResult {
    let stores = [f.store(), f.second().await?];
    let mut sides = Vec::new();
    for (side, store) in stores.iter().enumerate() {
        let worker = store.register_worker(NewWorker::until(at(900))).await?;
        let batch = starts((0..8).map(|n| owned(&format!("{side}-{n}"), worker)));
        let mut runs = Vec::new();
        for start in store.commit(&batch).await?.starts {
            match start {
                StartOutcome::Created { run } => runs.push(run),
                StartOutcome::Exists { .. } => return Err("the run exists".into()),
            }
        }
        sides.push(runs);
    }
    let mut tasks = JoinSet::new();
    for side in 0..2 {
        let store = Arc::clone(&stores[side]);
        let (mine, theirs) = (sides[side].clone(), sides[1 - side].clone());
        tasks.spawn(async move {
            for position in 0..15 {
                let batch = mine.iter().zip(&theirs).map(|(run, other)| {
                    commit(*run, 1, position)
                        .events([completed("x", position)])
                        .keep(Status::Running)
                        .sends([signal(*other, "s", position)])
                });
                let outcome = store.commit(&commits(batch)).await?;
                assert!(outcome.commits.iter().all(is_committed));
            }
            Ok::<_, BoxError>(())
        });
    }
    join(tasks).await?;
    for run in sides.concat() {
        assert_eq!(f.history(run).await?.len(), 15);
        assert_eq!(f.mailbox(run).await?.len(), 15);
    }
    stores[1].close().await?;
    Ok(())
}

pub(super) async fn workers_register_at_once_with_different_numbers(f: Fixture) -> CaseResult {
    let stores = [f.store(), f.second().await?];
    let mut tasks = JoinSet::new();
    for n in 0..16 {
        let store: Arc<dyn Store> = Arc::clone(&stores[n % 2]);
        tasks.spawn(async move {
            Ok::<_, BoxError>(store.register_worker(NewWorker::until(at(60))).await?)
        });
    }
    let workers: BTreeSet<_> = join(tasks).await?.into_iter().collect();
    assert_eq!(workers.len(), 16);
    stores[1].close().await?;
    Ok(())
}
