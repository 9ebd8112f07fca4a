//! Workers: leases, retiring, reaping.

use super::{
    fixture::{CommitExt, Fixture, at, commit, completed, owned},
    run::CaseResult,
};
use crate::{
    journal::{Timestamp, WorkerId},
    status::Status,
    store::NewWorker,
};

pub(super) async fn worker_numbers_are_never_used_again(f: Fixture) -> CaseResult {
    let mut seen = vec![f.worker];
    for _ in 0..4 {
        let worker = f.store().register_worker(NewWorker::until(at(10))).await?;
        assert!(!seen.contains(&worker), "{worker:?} in {seen:?}");
        seen.push(worker);
        f.store().retire_worker(worker).await?;
    }
    f.store().reap(at(1_000)).await?;
    let worker = f.store().register_worker(NewWorker::until(at(10))).await?;
    assert!(!seen.contains(&worker), "{worker:?} in {seen:?}");
    Ok(())
}

pub(super) async fn a_lease_is_renewed_until_it_is_reaped(f: Fixture) -> CaseResult {
    let run = f.start_owned("a").await?;
    assert!(f.store().renew_lease(f.worker, at(200)).await?);
    assert_eq!(f.store().reap(at(199)).await?, 0);
    // A lease that has run out is still the worker's until somebody reaps it.
    assert!(f.store().renew_lease(f.worker, at(300)).await?);
    assert_eq!(f.store().reap(at(301)).await?, 1);
    assert!(!f.store().renew_lease(f.worker, at(900)).await?);
    assert!(f.claim(at(301)).await?.is_empty());
    assert_eq!(f.status(run).await?, Status::Running);
    Ok(())
}

pub(super) async fn a_lease_ends_after_its_last_instant(f: Fixture) -> CaseResult {
    f.start_owned("a").await?;
    assert_eq!(f.store().reap(at(60)).await?, 0);
    let after = Timestamp::from_micros(at(60).as_micros() + 1);
    assert_eq!(f.store().reap(after).await?, 1);
    Ok(())
}

pub(super) async fn a_lease_is_ended_unless_it_was_renewed(f: Fixture) -> CaseResult {
    let dead = f.store().register_worker(NewWorker::until(at(900))).await?;
    let run = f.start_run(owned("theirs", dead)).await?;
    f.start_owned("mine").await?;
    let mut seen = f.store().leases().await?;
    seen.sort_unstable();
    assert_eq!(seen, [(f.worker, at(60)), (dead, at(900))]);
    assert!(f.store().renew_lease(f.worker, at(65)).await?);
    f.store().end_leases(&seen).await?;
    f.store().end_leases(&[]).await?;
    assert_eq!(f.store().reap(at(1)).await?, 1);
    assert_eq!(f.claim_one(at(1)).await?.run, run);
    assert!(!f.store().renew_lease(dead, at(900)).await?);
    assert_eq!(f.store().leases().await?, [(f.worker, at(65))]);
    Ok(())
}

pub(super) async fn reaping_frees_exactly_the_runs_of_dead_workers(f: Fixture) -> CaseResult {
    let dead = f.store().register_worker(NewWorker::until(at(10))).await?;
    let mut freed = Vec::new();
    for n in 0..5 {
        freed.push(f.start_run(owned(&format!("dead-{n}"), dead)).await?);
        f.start_owned(&format!("alive-{n}")).await?;
    }
    let ended = f.start_run(owned("ended", dead)).await?;
    f.committed_by(dead, commit(ended, 1, 0).ends(Status::Completed))
        .await?;
    assert_eq!(f.store().reap(at(11)).await?, 5);
    let mut claimed: Vec<_> = f.claim(at(11)).await?.iter().map(|run| run.run).collect();
    claimed.sort_unstable();
    assert_eq!(claimed, freed);
    Ok(())
}

pub(super) async fn a_reaped_worker_cannot_come_back(f: Fixture) -> CaseResult {
    let dead = f.store().register_worker(NewWorker::until(at(10))).await?;
    f.store().reap(at(11)).await?;
    assert!(!f.store().renew_lease(dead, at(100)).await?);
    assert!(!f.store().renew_lease(dead, at(100)).await?);
    assert!(f.store().renew_lease(f.worker, at(100)).await?);
    Ok(())
}

pub(super) async fn retiring_frees_what_the_worker_owns(f: Fixture) -> CaseResult {
    let other = f.store().register_worker(NewWorker::until(at(60))).await?;
    let mine = f.start_owned("mine").await?;
    f.start_run(owned("other", other)).await?;
    assert_eq!(f.store().retire_worker(f.worker).await?, 1);
    assert!(!f.store().renew_lease(f.worker, at(100)).await?);
    let claim = crate::store::Claim::new(other, at(1), 10);
    let claimed = f.store().claim(claim).await?;
    let runs: Vec<_> = claimed.runs.iter().map(|run| run.run).collect();
    assert_eq!(runs, [mine]);
    Ok(())
}

pub(super) async fn retiring_a_stranger_does_nothing(f: Fixture) -> CaseResult {
    f.start_owned("a").await?;
    assert_eq!(f.store().retire_worker(WorkerId::new(999_999)).await?, 0);
    assert!(f.store().renew_lease(f.worker, at(100)).await?);
    assert!(f.claim(at(1_000)).await?.is_empty());
    Ok(())
}

pub(super) async fn a_run_of_an_unregistered_worker_is_freed(f: Fixture) -> CaseResult {
    let retired = f.store().register_worker(NewWorker::until(at(60))).await?;
    f.store().retire_worker(retired).await?;
    let run = f.start_run(owned("a", retired)).await?;
    assert!(f.claim(at(1)).await?.is_empty());
    assert_eq!(f.store().reap(at(1)).await?, 1);
    assert_eq!(f.claim_one(at(1)).await?.run, run);
    Ok(())
}

pub(super) async fn a_freed_run_goes_on_at_the_next_epoch(f: Fixture) -> CaseResult {
    let dead = f.store().register_worker(NewWorker::until(at(10))).await?;
    let run = f.start_run(owned("a", dead)).await?;
    let waits = commit(run, 1, 0)
        .events([completed("x", 1)])
        .keep(Status::Suspended);
    f.committed_by(dead, waits).await?;
    f.store().reap(at(11)).await?;
    let loaded = f.claim_one(at(11)).await?;
    assert_eq!((loaded.epoch.get(), loaded.status), (2, Status::Suspended));
    assert_eq!(loaded.events, [completed("x", 1)]);
    f.committed(commit(run, 2, 1).events([completed("y", 2)]))
        .await?;
    assert_eq!(f.history(run).await?.len(), 2);
    Ok(())
}

pub(super) async fn reaping_twice_frees_nothing_more(f: Fixture) -> CaseResult {
    f.start_owned("a").await?;
    f.start("b").await?;
    assert_eq!(f.store().reap(at(61)).await?, 1);
    assert_eq!(f.store().reap(at(61)).await?, 0);
    Ok(())
}
