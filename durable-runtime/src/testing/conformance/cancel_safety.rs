//! Calls whose future is dropped half-way: they happen as a whole or not at all, and the store goes
//! on working.

use std::{
    future::{Future, poll_fn},
    pin::pin,
    task::Poll,
};

use super::{
    fixture::{
        CommitExt, Fallible, Fixture, at, cancel, child_of, commit, completed, new_run, signal,
    },
    run::CaseResult,
};
use crate::{
    status::Status,
    store::{Batch, BatchId, NewWorker, RunQuery},
};

/// How many polls a call is given, case by case: from none to more than any needs.
const POLLS: [u32; 8] = [0, 1, 2, 3, 4, 6, 9, 14];

/// Polls a call this many times, and then drops it. Whether it ended before.
async fn drop_after<F: Future>(polls: u32, call: F) -> bool {
    let mut call = pin!(call);
    let mut left = polls;
    poll_fn(|cx| {
        if left == 0 {
            return Poll::Ready(false);
        }
        left -= 1;
        match call.as_mut().poll(cx) {
            Poll::Ready(_) => Poll::Ready(true),
            // The last poll was given: dropped while it waits.
            Poll::Pending if left == 0 => Poll::Ready(false),
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}

async fn count(f: &Fixture) -> Fallible<usize> {
    let query = RunQuery {
        limit: 1_000,
        ..RunQuery::default()
    };
    Ok(f.store().list(&query).await?.runs.len())
}

/// A dropped batch shows all of its runs or none at any time, and can be sent again.
pub(super) async fn a_dropped_batch_is_whole_or_nothing(f: Fixture) -> CaseResult {
    let run = f.start_owned("a").await?;
    for (n, polls) in POLLS.into_iter().enumerate() {
        let position = u32::try_from(n)?;
        let batch = Batch {
            id: Some(BatchId {
                worker: f.worker,
                number: i64::from(position) + 1,
            }),
            starts: (0..5).map(|i| new_run(&format!("{n}-{i}"))).collect(),
            mail: vec![signal(run, "s", position)],
            commits: vec![commit(run, 1, position).events([completed("x", position)])],
            ..Batch::default()
        };
        let before = count(&f).await?;
        let ended = drop_after(polls, f.store().commit(&batch)).await;
        let after = count(&f).await?;
        assert!(
            after == before + 5 || (after == before && !ended),
            "{before} to {after}"
        );
        f.write(batch).await?;
        assert_eq!(count(&f).await?, before + 5);
        assert_eq!(f.history(run).await?.len(), n + 1);
        assert_eq!(f.mailbox(run).await?.len(), n + 1);
    }
    Ok(())
}

pub(super) async fn a_dropped_commit_is_whole_or_nothing(f: Fixture) -> CaseResult {
    let other = f.start_owned("other").await?;
    for polls in POLLS {
        let run = f.start_owned(&polls.to_string()).await?;
        let step = commit(run, 1, 0)
            .events([completed("x", 1), completed("y", 2)])
            .children([child_of(run, &format!("{polls}/c"), "c")])
            .sends([cancel(other)])
            .release(Status::Suspended, Some(at(9)), 0);
        let batch = super::fixture::commits([step.clone()]);
        drop_after(polls, f.store().commit(&batch)).await;
        assert!([0, 2].contains(&f.history(run).await?.len()));
        f.committed(step).await?;
        assert_eq!(f.history(run).await?.len(), 2);
        assert_eq!(f.store().children(run).await?.len(), 1);
        assert_eq!(f.status(run).await?, Status::Suspended);
    }
    assert_eq!(f.mailbox(other).await?.len(), POLLS.len());
    Ok(())
}

/// What a dropped claim has taken comes free with its worker.
pub(super) async fn a_dropped_claim_loses_no_run(f: Fixture) -> CaseResult {
    for polls in POLLS {
        let batch = super::fixture::starts((0..5).map(|n| new_run(&format!("{polls}-{n}"))));
        f.write(batch).await?;
        let worker = f.store().register_worker(NewWorker::until(at(60))).await?;
        let claim = crate::store::Claim::new(worker, at(1), 10);
        drop_after(polls, f.store().claim(claim)).await;
        let mut claimed = 0;
        // The dropped call may still be on its way.
        for _ in 0..1_000 {
            f.store().retire_worker(worker).await?;
            f.store().reap(at(1)).await?;
            claimed += f.claim(at(1)).await?.len();
            if claimed == 5 {
                break;
            }
            tokio::task::yield_now().await;
        }
        assert_eq!(claimed, 5, "after {polls} polls");
    }
    Ok(())
}

pub(super) async fn a_dropped_read_leaves_the_store_usable(f: Fixture) -> CaseResult {
    let run = f.start("a").await?;
    let query = RunQuery {
        limit: 10,
        ..RunQuery::default()
    };
    let store = f.store();
    for round in 0..6 {
        for polls in POLLS {
            drop_after(polls, store.read(run)).await;
            drop_after(polls, store.history(run)).await;
            drop_after(polls, store.mailbox(run)).await;
            drop_after(polls, store.children(run)).await;
            drop_after(polls, store.list(&query)).await;
        }
        assert_eq!(f.status(run).await?, Status::Pending, "round {round}");
    }
    Ok(())
}

pub(super) async fn dropped_worker_calls_leave_the_store_usable(f: Fixture) -> CaseResult {
    f.start_owned("a").await?;
    let store = f.store();
    for polls in POLLS {
        drop_after(polls, store.register_worker(NewWorker::until(at(5)))).await;
        drop_after(polls, store.renew_lease(f.worker, at(200))).await;
        drop_after(polls, store.reap(at(20))).await;
        let claim = crate::store::Claim::new(f.worker, at(1), 1);
        drop_after(polls, store.claim_parked(claim)).await;
        drop_after(polls, store.release_strays(f.worker, &[])).await;
        drop_after(polls, store.retire_worker(f.worker)).await;
    }
    assert!(!store.renew_lease(f.worker, at(300)).await?);
    let worker = store.register_worker(NewWorker::until(at(300))).await?;
    let claim = crate::store::Claim::new(worker, at(21), 10);
    assert_eq!(store.claim(claim).await?.runs.len(), 1);
    Ok(())
}

/// Whoever goes away in the middle of a crowd does not take the others along.
pub(super) async fn dropped_calls_do_not_block_others(f: Fixture) -> CaseResult {
    let run = f.start_owned("a").await?;
    let mut tasks = tokio::task::JoinSet::new();
    for n in 0..20_u32 {
        let store = f.store();
        tasks.spawn(async move {
            let batch = super::fixture::starts([new_run(&n.to_string())]);
            drop_after(n % 4, store.commit(&batch)).await;
            store.commit(&batch).await
        });
    }
    while let Some(outcome) = tasks.join_next().await {
        assert_eq!(outcome??.starts.len(), 1);
    }
    f.committed(commit(run, 1, 0).events([completed("x", 1)]))
        .await?;
    assert_eq!(count(&f).await?, 21);
    Ok(())
}
