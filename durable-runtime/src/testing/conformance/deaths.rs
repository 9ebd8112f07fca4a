//! Runs whose workers die with them, and how the one that kills them is told from the others.

use super::{
    fixture::{CommitExt, Fallible, Fixture, at, commit, completed, one},
    run::CaseResult,
};
use crate::{
    journal::{RunKey, Timestamp, WorkerId},
    status::Status,
    store::{Claim, Claimed, LoadedRun, NewWorker},
};

/// A worker whose lease ends at the given second.
async fn worker(f: &Fixture, until: u64) -> Fallible<WorkerId> {
    Ok(f.store()
        .register_worker(NewWorker::until(at(until)))
        .await?)
}

async fn claim(f: &Fixture, worker: WorkerId, now: Timestamp) -> Fallible<Claimed> {
    let limit = 100;
    Ok(f.store().claim(Claim::new(worker, now, limit)).await?)
}

/// Claims everything for a worker that dies with it; the time is `second` before and `second + 1`
/// after. Gives what it took.
async fn die(f: &Fixture, second: u64) -> Fallible<Vec<LoadedRun>> {
    let dying = worker(f, second).await?;
    let runs = claim(f, dying, at(second)).await?.runs;
    f.store().reap(at(second + 1)).await?;
    Ok(runs)
}

fn keys(runs: &[LoadedRun]) -> Vec<RunKey> {
    runs.iter().map(|run| run.run).collect()
}

/// Two runs that are suspects at second 4, and the fixture's worker, which has none of them.
async fn suspects(f: &Fixture) -> Fallible<[RunKey; 2]> {
    let runs = [f.start("a").await?, f.start("b").await?];
    for second in [1, 2, 3] {
        assert_eq!(keys(&die(f, second).await?), runs);
    }
    Ok(runs)
}

pub(super) async fn each_worker_that_dies_with_a_run_is_counted(f: Fixture) -> CaseResult {
    f.start("a").await?;
    for second in 1..6 {
        let loaded = one(die(&f, second).await?, "run due")?;
        assert_eq!(u64::from(loaded.deaths), second - 1);
    }
    Ok(())
}

pub(super) async fn a_run_that_got_further_counts_anew(f: Fixture) -> CaseResult {
    let run = f.start("a").await?;
    for second in 1..5 {
        die(&f, second).await?;
    }
    let dying = worker(&f, 20).await?;
    let loaded = one(claim(&f, dying, at(20)).await?.runs, "run due")?;
    assert_eq!(loaded.deaths, 4);
    let on = commit(run, loaded.epoch.get(), 0).events([completed("x", 1)]);
    f.committed_by(dying, on).await?;
    f.store().reap(at(21)).await?;
    assert_eq!(f.claim_one(at(40)).await?.deaths, 1);
    Ok(())
}

pub(super) async fn a_run_that_was_let_go_of_counts_anew(f: Fixture) -> CaseResult {
    let run = f.start("a").await?;
    die(&f, 1).await?;
    let loaded = f.claim_one(at(3)).await?;
    assert_eq!(loaded.deaths, 1);
    let release = commit(run, loaded.epoch.get(), 0);
    f.committed(release.release(Status::Suspended, Some(at(4)), 0))
        .await?;
    assert_eq!(f.claim_one(at(4)).await?.deaths, 0);
    Ok(())
}

pub(super) async fn a_parked_run_keeps_its_count(f: Fixture) -> CaseResult {
    let run = f.start("a").await?;
    die(&f, 1).await?;
    let loaded = f.claim_one(at(3)).await?;
    let park = commit(run, loaded.epoch.get(), 0);
    f.committed(park.release(Status::Parked, None, i64::MAX))
        .await?;
    assert_eq!(one(f.revive(at(4)).await?, "parked run")?.deaths, 1);
    Ok(())
}

pub(super) async fn retiring_and_releasing_strays_count_nothing(f: Fixture) -> CaseResult {
    f.start("a").await?;
    for _ in 0..3 {
        let retiring = worker(&f, 1).await?;
        assert_eq!(claim(&f, retiring, at(1)).await?.runs.len(), 1);
        assert_eq!(f.store().release_strays(retiring, &[]).await?, 1);
        assert_eq!(claim(&f, retiring, at(1)).await?.runs.len(), 1);
        assert_eq!(f.store().retire_worker(retiring).await?, 1);
        f.store().reap(at(2)).await?;
    }
    assert_eq!(f.claim_one(at(3)).await?.deaths, 0);
    Ok(())
}

pub(super) async fn a_worker_has_one_suspect_on_trial(f: Fixture) -> CaseResult {
    let [a, b] = suspects(&f).await?;
    let first = f.claimed(at(5), 100).await?;
    assert_eq!(keys(&first.runs), [a]);
    // Nothing else is due for this worker: it is not to ask again and again.
    assert_eq!(first.next_due, None);
    let during = f.claimed(at(14), 100).await?;
    assert_eq!((during.runs.len(), during.next_due), (0, None));
    // Another worker may try the other one, and this one when its trial is over.
    let other = worker(&f, 100).await?;
    assert_eq!(keys(&claim(&f, other, at(5)).await?.runs), [b]);
    f.store().retire_worker(other).await?;
    assert_eq!(keys(&f.claimed(at(15), 100).await?.runs), [b]);
    Ok(())
}

pub(super) async fn a_trial_ends_when_the_run_is_let_go_of(f: Fixture) -> CaseResult {
    let [a, b] = suspects(&f).await?;
    let loaded = f.claim_one(at(5)).await?;
    assert_eq!(loaded.run, a);
    let end = commit(a, loaded.epoch.get(), 0).ends(Status::Completed);
    f.committed(end).await?;
    assert_eq!(f.claim_one(at(5)).await?.run, b);
    Ok(())
}

pub(super) async fn a_trial_ends_when_the_journal_grows(f: Fixture) -> CaseResult {
    let [a, b] = suspects(&f).await?;
    let dying = worker(&f, 20).await?;
    let loaded = one(claim(&f, dying, at(5)).await?.runs, "suspect")?;
    let on = commit(a, loaded.epoch.get(), 0).events([completed("x", 1)]);
    f.committed_by(dying, on).await?;
    assert_eq!(keys(&claim(&f, dying, at(5)).await?.runs), [b]);
    // Now the other one is on trial, and the first is not blamed.
    f.store().reap(at(21)).await?;
    let loaded = f.claim_one(at(21)).await?;
    assert_eq!((loaded.run, loaded.deaths), (a, 3));
    Ok(())
}

pub(super) async fn only_the_run_on_trial_is_blamed(f: Fixture) -> CaseResult {
    let [a, b] = suspects(&f).await?;
    let bystander = f.start("c").await?;
    let taken = die(&f, 5).await?;
    let mut taken: Vec<_> = taken.iter().map(|run| (run.run, run.deaths)).collect();
    taken.sort_unstable();
    assert_eq!(taken, [(a, 3), (bystander, 0)]);
    // The next one as well, whichever of them it takes.
    let taken = die(&f, 6).await?;
    let mut taken: Vec<_> = taken.iter().map(|run| run.run).collect();
    taken.retain(|run| *run != bystander);
    let tried = one(taken, "suspect")?;
    let mut seen = Vec::new();
    for second in [20, 40] {
        let runs = f.claim(at(second)).await?;
        seen.extend(runs.iter().map(|run| (run.run, run.deaths)));
    }
    seen.sort_unstable();
    let deaths = |run| 3 + u32::from(run == a) + u32::from(run == tried);
    assert_eq!(seen, [(a, deaths(a)), (b, deaths(b)), (bystander, 0)]);
    Ok(())
}

pub(super) async fn a_suspect_leaves_the_others_their_turn(f: Fixture) -> CaseResult {
    let [a, _] = suspects(&f).await?;
    let others = [f.start("c").await?, f.start("d").await?];
    let two = f.claimed(at(5), 2).await?;
    assert_eq!(two.runs.len(), 2);
    let three = f.claimed(at(5), 2).await?;
    assert_eq!(three.next_due, None);
    let mut all = keys(&two.runs);
    all.extend(keys(&three.runs));
    all.sort_unstable();
    assert_eq!(all, [a, others[0], others[1]]);
    Ok(())
}
