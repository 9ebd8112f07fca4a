//! Runs that somebody deletes from the database: nothing of them is left, and nothing of them comes back.

use super::{
    Damage,
    fixture::{
        CommitExt, Fixture, at, child_of, commit, commits, completed, id, new_run, signal, starts,
    },
    run::CaseResult,
};
use crate::{
    status::Status,
    store::{CommitOutcome, StartOutcome},
};

pub(super) async fn a_deleted_run_takes_all_that_is_its_own_along(f: Fixture) -> CaseResult {
    let mut family = vec![f.start_owned("a").await?];
    for name in ["a/b", "a/b/c"] {
        let mut child = child_of(family[family.len() - 1], name, "child");
        child.owner = Some(f.worker);
        family.push(f.start_run(child).await?);
    }
    let other = f.start_owned("other").await?;
    for run in family.iter().copied().chain([other]) {
        f.committed(commit(run, 1, 0).events([completed("x", 1)]))
            .await?;
        f.post(signal(run, "s", 1)).await?;
    }
    if !f.damage(Damage::DeleteRun { run: family[0] }).await? {
        return Ok(());
    }
    for run in family {
        assert_eq!(f.store().read(run).await?, None);
        assert!(f.store().history(run).await?.is_empty());
        assert!(f.store().mailbox(run).await?.is_empty());
    }
    assert_eq!(f.store().find(&id("a/b/c")).await?, None);
    assert_eq!(f.history(other).await?.len(), 1);
    assert_eq!(f.mailbox(other).await?.len(), 1);
    Ok(())
}

pub(super) async fn the_number_of_a_deleted_run_is_not_used_again(f: Fixture) -> CaseResult {
    let parent = f.start_owned("parent").await?;
    let mut last = parent;
    for round in 0..3 {
        let doomed = f.start_owned(&format!("doomed-{round}")).await?;
        assert!(doomed > last);
        last = doomed;
        f.committed(commit(doomed, 1, 0).events([completed("x", 1)]))
            .await?;
        if !f.damage(Damage::DeleteRun { run: doomed }).await? {
            return Ok(());
        }
        // Starts alone, in a batch, and as a child take different ways.
        let started = match round {
            0 => vec![f.try_start(new_run("alone")).await?],
            1 => {
                f.write(starts((0..3).map(|n| new_run(&format!("together-{n}")))))
                    .await?
                    .starts
            }
            _ => {
                let child = child_of(parent, "parent/child", "child");
                let step = commit(parent, 1, 0).events([completed("x", 1)]);
                f.committed(step.children([child])).await?.children
            }
        };
        assert!(!started.is_empty());
        for outcome in started {
            let StartOutcome::Created { run } = outcome else {
                return Err(format!("{outcome:?}").into());
            };
            assert!(run > last, "{run:?} was used before {last:?}");
            assert!(f.store().history(run).await?.is_empty());
            last = run;
        }
    }
    Ok(())
}

pub(super) async fn a_commit_of_a_deleted_run_is_lost_and_the_others_are_not(
    f: Fixture,
) -> CaseResult {
    let (gone, there) = (f.start_owned("gone").await?, f.start_owned("there").await?);
    if !f.damage(Damage::DeleteRun { run: gone }).await? {
        return Ok(());
    }
    for position in 0..2 {
        let both = [gone, there].map(|run| commit(run, 1, position).events([completed("x", 1)]));
        let outcome = f.write(commits(both)).await?;
        assert_eq!(outcome.commits[0], CommitOutcome::LostOwnership);
        assert!(matches!(
            outcome.commits[1],
            CommitOutcome::Committed { .. }
        ));
    }
    let alone = commit(gone, 1, 0).events([completed("x", 1)]);
    assert_eq!(f.commit(alone).await?, CommitOutcome::LostOwnership);
    assert!(f.store().history(gone).await?.is_empty());
    assert_eq!(f.history(there).await?.len(), 2);
    Ok(())
}

pub(super) async fn a_journal_that_was_there_before_its_run_parks_it(f: Fixture) -> CaseResult {
    let run = f.start("new").await?;
    let sound = f.start("sound").await?;
    if !f.damage(Damage::ForeignEvent { run }).await? {
        return Ok(());
    }
    let claimed = f.claim(at(1)).await?;
    assert_eq!(
        claimed.iter().map(|run| run.run).collect::<Vec<_>>(),
        [sound]
    );
    let record = f.record(run).await?;
    assert_eq!(record.status, Status::Parked);
    let reason = record.reason.unwrap_or_default();
    assert!(reason.contains("another run"), "{reason}");
    Ok(())
}
