//! Closing and opening again, and two processes on one database.

use super::{
    fixture::{CommitExt, Fixture, at, child_of, commit, completed, id, new_run, signal, starts},
    run::CaseResult,
};
use crate::{
    status::Status,
    store::{Claim, NewWorker, StartOutcome},
};

pub(super) async fn everything_is_there_after_reopening(mut f: Fixture) -> CaseResult {
    let run = f.waiting("a", Some(at(5))).await?;
    f.start_run(child_of(run, "a/c", "c")).await?;
    f.deliver(signal(run, "s", 1)).await?;
    let parked = f.start_owned("parked").await?;
    f.committed(
        commit(parked, 1, 0)
            .release(Status::Parked, None, 0)
            .reason("why"),
    )
    .await?;
    let before = (
        f.record(run).await?,
        f.record(parked).await?,
        f.history(run).await?,
        f.mailbox(run).await?,
        f.store().children(run).await?,
    );
    f.reopen().await?;
    let after = (
        f.record(run).await?,
        f.record(parked).await?,
        f.history(run).await?,
        f.mailbox(run).await?,
        f.store().children(run).await?,
    );
    assert_eq!(before, after);
    Ok(())
}

pub(super) async fn a_run_goes_on_after_reopening(mut f: Fixture) -> CaseResult {
    let run = f.waiting("a", Some(at(5))).await?;
    f.reopen().await?;
    assert!(f.claim(at(4)).await?.is_empty());
    let loaded = f.claim_one(at(5)).await?;
    assert_eq!((loaded.run, loaded.epoch.get()), (run, 2));
    f.committed(commit(run, 2, 1).ends(Status::Completed))
        .await?;
    f.reopen().await?;
    assert_eq!(f.status(run).await?, Status::Completed);
    Ok(())
}

pub(super) async fn runs_of_a_dead_process_come_free(mut f: Fixture) -> CaseResult {
    let run = f.start_owned("a").await?;
    let dead = f.worker;
    f.reopen().await?;
    assert_ne!(f.worker, dead);
    // At once where the store can tell that nobody else is alive, else when the lease has ended.
    f.store().renew_lease(f.worker, at(900)).await?;
    f.store().reap(at(61)).await?;
    assert_eq!(f.claim_one(at(61)).await?.run, run);
    assert!(!f.store().renew_lease(dead, at(900)).await?);
    Ok(())
}

pub(super) async fn numbers_go_on_after_reopening(mut f: Fixture) -> CaseResult {
    let first = f.start("a").await?;
    let mail = f.post(signal(first, "s", 1)).await?;
    let step = commit(first, 1, 0)
        .events([completed("x", 1)])
        .consumes([mail]);
    f.claim_one(at(0)).await?;
    f.committed(step).await?;
    f.reopen().await?;
    assert!(f.start("b").await? > first);
    assert!(f.post(signal(first, "s", 2)).await? > mail);
    Ok(())
}

pub(super) async fn closing_waits_for_what_is_in_flight(mut f: Fixture) -> CaseResult {
    let store = f.store();
    let batch = starts((0..200).map(|n| new_run(&n.to_string())));
    let writing = tokio::spawn(async move { store.commit(&batch).await });
    f.reopen().await?;
    // Refused because it came too late, or written as a whole.
    let written = writing.await?.is_ok();
    let there = f.store().find(&id("199")).await?.is_some();
    assert!(there || !written);
    assert_eq!(f.store().find(&id("0")).await?.is_some(), there);
    Ok(())
}

pub(super) async fn two_processes_see_each_others_writes(f: Fixture) -> CaseResult {
    let other = f.second().await?;
    let run = f.start("a").await?;
    let seen = other.read(run).await?;
    assert_eq!(seen, Some(f.record(run).await?));
    let outcome = other.commit(&starts([new_run("b")])).await?;
    let StartOutcome::Created { run } = outcome.starts[0] else {
        return Err(format!("{outcome:?}").into());
    };
    assert_eq!(f.status(run).await?, Status::Pending);
    other.close().await?;
    assert_eq!(f.claim(at(0)).await?.len(), 2);
    Ok(())
}

pub(super) async fn a_second_process_does_not_take_over_a_living_one(f: Fixture) -> CaseResult {
    let run = f.start_owned("a").await?;
    let other = f.second().await?;
    let worker = other.register_worker(NewWorker::until(at(60))).await?;
    let claim = |now| Claim::new(worker, now, 10);
    assert_eq!(other.reap(at(50)).await?, 0);
    assert!(other.claim(claim(at(50))).await?.runs.is_empty());
    f.committed(commit(run, 1, 0).events([completed("x", 1)]))
        .await?;
    // Its runs are the other's only when its lease has ended.
    other.renew_lease(worker, at(900)).await?;
    assert_eq!(other.reap(at(61)).await?, 1);
    let claimed = other.claim(claim(at(61))).await?;
    assert_eq!(claimed.runs.len(), 1);
    assert_eq!(claimed.runs[0].events.len(), 1);
    other.close().await?;
    Ok(())
}
