//! Committing progress: fences, and commits that are made again.

use super::{
    fixture::{
        CommitExt, Committed, Fixture, at, cancel, child_of, commit, commits, completed, ended, id,
        owned, signal, starts,
    },
    run::CaseResult,
};
use crate::{
    journal::RunKey,
    status::Status,
    store::{Batch, BatchId, Commit, CommitOutcome, NewWorker, Ownership, StartOutcome},
};

const LOST: CommitOutcome = CommitOutcome::LostOwnership;

pub(super) async fn events_are_appended_in_order(f: Fixture) -> CaseResult {
    let run = f.start_owned("a").await?;
    f.committed(commit(run, 1, 0).events([completed("a", 1)]))
        .await?;
    f.committed(commit(run, 1, 1).events([completed("b", 2), completed("c", 3)]))
        .await?;
    f.committed(commit(run, 1, 3).events([completed("d", 4)]))
        .await?;
    let wanted = [
        completed("a", 1),
        completed("b", 2),
        completed("c", 3),
        completed("d", 4),
    ];
    assert_eq!(f.history(run).await?, wanted);
    Ok(())
}

pub(super) async fn a_status_is_set_and_the_owner_kept(f: Fixture) -> CaseResult {
    let run = f.start_owned("a").await?;
    f.committed(commit(run, 1, 0).keep(Status::Suspended))
        .await?;
    let record = f.record(run).await?;
    assert_eq!(
        (record.status, record.updated_at),
        (Status::Suspended, at(2))
    );
    assert_eq!(record.created_at, at(0));
    assert!(f.claim(at(1_000)).await?.is_empty());
    f.committed(commit(run, 1, 0).keep(Status::Running)).await?;
    assert_eq!(f.status(run).await?, Status::Running);
    Ok(())
}

pub(super) async fn a_stale_epoch_writes_nothing(f: Fixture) -> CaseResult {
    let run = f.waiting("a", Some(at(3))).await?;
    assert_eq!(f.claim_one(at(3)).await?.epoch.get(), 2);
    let stale = commit(run, 1, 1)
        .events([completed("late", 1)])
        .keep(Status::Suspended);
    assert_eq!(f.commit(stale).await?, LOST);
    assert_eq!(
        f.commit(commit(run, 1, 1).events([completed("late", 1)]))
            .await?,
        LOST
    );
    assert_eq!(f.history(run).await?, [completed("before", 0)]);
    Ok(())
}

/// A failover may have forgotten what the commit builds on.
pub(super) async fn a_journal_that_is_shorter_than_a_commit_says_takes_nothing(
    f: Fixture,
) -> CaseResult {
    let [a, b] = [f.start_owned("a").await?, f.start_owned("b").await?];
    let events = [completed("x", 1)];
    for run in [a, b] {
        let first = commit(run, 1, 0).events(events.clone());
        f.committed(first.keep(Status::Running)).await?;
    }
    // Without events and with some; alone, and next to others.
    let state = |run| commit(run, 1, 2).keep(Status::Suspended);
    assert_eq!(f.commit(state(a)).await?, LOST);
    assert_eq!(f.commit(state(a).events(events.clone())).await?, LOST);
    let written = f.write(commits([state(a), state(b)])).await?;
    assert_eq!(written.commits, [LOST, LOST]);
    assert_eq!(f.status(a).await?, Status::Running);
    f.committed(commit(a, 1, 1).keep(Status::Suspended)).await?;
    assert_eq!(f.status(a).await?, Status::Suspended);
    Ok(())
}

/// A failover may have forgotten a run and given its number to another, under the same worker and at the
/// same epoch.
pub(super) async fn a_run_that_had_the_number_before_writes_nothing(f: Fixture) -> CaseResult {
    let [a, b] = [f.start_owned("a").await?, f.start_owned("b").await?];
    let forgotten = |run| Commit {
        created_at: at(1),
        ..commit(run, 1, 0)
    };
    let event = || [completed("x", 1)];
    // Alone, with a new state, with nothing but that, and next to others.
    let alone = [
        forgotten(a).events(event()),
        forgotten(a).events(event()).keep(Status::Suspended),
        forgotten(a).release(Status::Suspended, None, 0),
        forgotten(a).events(event()).sends([cancel(b)]),
    ];
    for commit in alone {
        assert_eq!(f.commit(commit.clone()).await?, LOST, "{commit:?}");
    }
    let batch = [
        forgotten(a).events(event()),
        commit(b, 1, 0).events(event()),
        forgotten(a).events(event()).ends(Status::Completed),
    ];
    let outcome = f.write(commits(batch)).await?;
    let [LOST, CommitOutcome::Committed { .. }, LOST] = outcome.commits[..] else {
        return Err(format!("{outcome:?}").into());
    };
    assert!(f.history(a).await?.is_empty() && f.store().mailbox(b).await?.is_empty());
    // What is there is not what the other one has written.
    f.committed(commit(a, 1, 0).events(event())).await?;
    assert_eq!(f.commit(forgotten(a).events(event())).await?, LOST);
    f.committed(commit(a, 1, 1).release(Status::Suspended, None, 0))
        .await?;
    let again = forgotten(a).release(Status::Suspended, None, 0);
    assert_eq!(f.commit(again).await?, LOST);
    Ok(())
}

pub(super) async fn another_worker_writes_nothing(f: Fixture) -> CaseResult {
    let [a, b] = [f.start_owned("a").await?, f.start_owned("b").await?];
    let other = f.store().register_worker(NewWorker::until(at(60))).await?;
    let on = |run| commit(run, 1, 0).events([completed("x", 1)]);
    let ends = |run| on(run).ends(Status::Completed);
    // Alone, with a new state, and next to others.
    assert_eq!(f.commit_by(other, on(a)).await?, LOST);
    assert_eq!(f.commit_by(other, ends(a)).await?, LOST);
    let batch = Batch {
        id: Some(BatchId {
            worker: other,
            number: 1,
        }),
        ..commits([on(a), ends(b)])
    };
    assert_eq!(f.write(batch).await?.commits, [LOST, LOST]);
    assert!(f.history(a).await?.is_empty() && f.history(b).await?.is_empty());
    assert_eq!(f.status(b).await?, Status::Running);
    f.committed(ends(a)).await?;
    Ok(())
}

pub(super) async fn an_epoch_from_the_future_writes_nothing(f: Fixture) -> CaseResult {
    let run = f.start_owned("a").await?;
    assert_eq!(
        f.commit(commit(run, 2, 0).events([completed("x", 1)]))
            .await?,
        LOST
    );
    assert!(f.history(run).await?.is_empty());
    Ok(())
}

pub(super) async fn an_unknown_run_is_lost(f: Fixture) -> CaseResult {
    let nobody = RunKey::new(999_999);
    assert_eq!(
        f.commit(commit(nobody, 1, 0).events([completed("x", 1)]))
            .await?,
        LOST
    );
    assert_eq!(
        f.commit(commit(nobody, 1, 0).keep(Status::Running)).await?,
        LOST
    );
    assert!(f.history(nobody).await?.is_empty());
    Ok(())
}

pub(super) async fn a_released_run_takes_no_commit(f: Fixture) -> CaseResult {
    let run = f.waiting("a", None).await?;
    let before = f.record(run).await?;
    assert_eq!(
        f.commit(commit(run, 1, 1).events([completed("x", 1)]))
            .await?,
        LOST
    );
    let update = commit(run, 1, 1)
        .events([completed("x", 1)])
        .keep(Status::Running);
    assert_eq!(f.commit(update).await?, LOST);
    assert_eq!(
        f.commit(commit(run, 1, 1).keep(Status::Running)).await?,
        LOST
    );
    assert_eq!(f.record(run).await?, before);
    assert_eq!(f.history(run).await?.len(), 1);
    Ok(())
}

pub(super) async fn an_ended_run_takes_no_commit(f: Fixture) -> CaseResult {
    for status in [Status::Completed, Status::Failed, Status::Canceled] {
        let run = f.start_owned(status.as_str()).await?;
        f.committed(commit(run, 1, 0).ends(status)).await?;
        assert_eq!(
            f.commit(commit(run, 1, 1).events([completed("x", 1)]))
                .await?,
            LOST
        );
        assert_eq!(
            f.commit(commit(run, 1, 1).keep(Status::Running)).await?,
            LOST
        );
        assert_eq!(f.status(run).await?, status);
        assert_eq!(f.history(run).await?, [ended(status)]);
    }
    Ok(())
}

pub(super) async fn a_reaped_run_takes_no_commit(f: Fixture) -> CaseResult {
    let run = f.start_owned("a").await?;
    assert_eq!(f.store().reap(at(61)).await?, 1);
    // Nobody has claimed it yet, so its epoch is still the old one.
    let late = commit(run, 1, 0).events([completed("late", 1)]);
    assert_eq!(f.commit(late.clone()).await?, LOST);
    assert_eq!(f.commit(late.keep(Status::Suspended)).await?, LOST);
    assert_eq!(
        f.commit(commit(run, 1, 0).keep(Status::Running)).await?,
        LOST
    );
    assert!(f.history(run).await?.is_empty());
    Ok(())
}

pub(super) async fn a_repeated_commit_succeeds_and_changes_nothing(f: Fixture) -> CaseResult {
    let run = f.start_owned("a").await?;
    let other = f.start("b").await?;
    let mail = f.post(signal(run, "s", 1)).await?;
    let step = commit(run, 1, 0)
        .events([completed("x", 1), completed("y", 2)])
        .keep(Status::Suspended)
        .children([child_of(run, "a/c", "c")])
        .consumes([mail])
        .sends([signal(other, "t", 1)]);
    let first = f.committed(step.clone()).await?;
    let record = f.record(run).await?;
    let again = f.committed(step).await?;
    assert_eq!((first.children.len(), again.children.len()), (1, 1));
    assert_eq!((first.outgoing.len(), again.outgoing.len()), (1, 1));
    assert_eq!(f.record(run).await?, record);
    assert_eq!(f.history(run).await?.len(), 2);
    assert_eq!(f.store().children(run).await?.len(), 1);
    for loaded in f.claim(at(0)).await? {
        assert_eq!(loaded.mail.len(), usize::from(loaded.run == other));
    }
    Ok(())
}

pub(super) async fn a_repeated_end_succeeds(f: Fixture) -> CaseResult {
    let parent = f.waiting("parent", None).await?;
    let run = f.start_owned("a").await?;
    let result = super::fixture::child_ended(parent, "c", Ok(1));
    let ending = commit(run, 1, 0).ends(Status::Completed).sends([result]);
    let first = f.committed(ending.clone()).await?;
    let again = f.committed(ending).await?;
    let reached = |written: &Committed| written.outgoing[0].map(|delivery| delivery.run);
    assert_eq!(
        (reached(&first), reached(&again)),
        (Some(parent), Some(parent))
    );
    assert_eq!(f.status(run).await?, Status::Completed);
    assert_eq!(f.claim_one(at(0)).await?.mail.len(), 1);
    Ok(())
}

pub(super) async fn a_repeated_release_without_events_succeeds(f: Fixture) -> CaseResult {
    let run = f.start_owned("a").await?;
    let release = commit(run, 1, 0).release(Status::Suspended, Some(at(9)), 0);
    f.committed(release.clone()).await?;
    f.committed(release).await?;
    let park = commit(run, 1, 0).release(Status::Parked, None, 0);
    assert_eq!(f.commit(park).await?, LOST);
    assert_eq!(f.claim_one(at(9)).await?.epoch.get(), 2);
    Ok(())
}

pub(super) async fn other_events_at_a_taken_position_are_refused(f: Fixture) -> CaseResult {
    let run = f.start_owned("a").await?;
    let there = [completed("a", 1), completed("b", 2)];
    f.committed(commit(run, 1, 0).events(there.clone())).await?;
    let others = [
        commit(run, 1, 0).events([completed("a", 9)]),
        commit(run, 1, 0).events([completed("z", 1)]),
        commit(run, 1, 1).events([completed("b", 2), completed("c", 3)]),
        commit(run, 1, 0).events([completed("a", 1), completed("b", 2), completed("c", 3)]),
        commit(run, 1, 1)
            .events([completed("c", 3)])
            .keep(Status::Suspended),
    ];
    for other in others {
        assert_eq!(f.commit(other).await?, LOST);
    }
    assert_eq!(f.history(run).await?, there);
    assert_eq!(f.status(run).await?, Status::Running);
    Ok(())
}

pub(super) async fn a_commit_that_leaves_a_gap_is_refused(f: Fixture) -> CaseResult {
    let run = f.start_owned("a").await?;
    let events = [completed("x", 1)];
    assert_eq!(
        f.commit(commit(run, 1, 1).events(events.clone())).await?,
        LOST
    );
    f.committed(commit(run, 1, 0).events(events.clone()))
        .await?;
    assert_eq!(
        f.commit(commit(run, 1, 2).events(events.clone())).await?,
        LOST
    );
    let updating = commit(run, 1, 2)
        .events(events.clone())
        .keep(Status::Suspended);
    assert_eq!(f.commit(updating).await?, LOST);
    assert_eq!(f.history(run).await?, events);
    assert_eq!(f.status(run).await?, Status::Running);
    Ok(())
}

pub(super) async fn a_refused_commit_writes_no_part_of_itself(f: Fixture) -> CaseResult {
    let run = f.start_owned("a").await?;
    let other = f.waiting("b", None).await?;
    let mail = f.post(signal(run, "s", 1)).await?;
    let refused = commit(run, 5, 0)
        .events([completed("x", 1)])
        .release(Status::Suspended, None, 0)
        .children([child_of(run, "a/c", "c")])
        .consumes([mail])
        .sends([cancel(other)]);
    assert_eq!(f.commit(refused).await?, LOST);
    assert!(f.history(run).await?.is_empty());
    assert!(f.store().children(run).await?.is_empty());
    assert!(f.claim(at(1_000)).await?.is_empty());
    f.committed(commit(run, 1, 0).release(Status::Suspended, Some(at(3)), 0))
        .await?;
    assert_eq!(f.claim_one(at(3)).await?.mail.len(), 1);
    Ok(())
}

pub(super) async fn a_refused_commit_does_not_disturb_its_batch(f: Fixture) -> CaseResult {
    let mut runs = Vec::new();
    for n in 0..9 {
        runs.push(f.start_owned(&n.to_string()).await?);
    }
    // Every third is stale, every third repeated, every third fresh.
    for run in runs.iter().skip(1).step_by(3) {
        f.committed(commit(*run, 1, 0).events([completed("x", 1)]))
            .await?;
    }
    let epoch = |n: usize| if n.is_multiple_of(3) { 7 } else { 1 };
    let batch = runs.iter().enumerate().map(|(n, run)| {
        let step = commit(*run, epoch(n), 0).events([completed("x", 1)]);
        if n % 3 == 2 {
            step.keep(Status::Suspended)
        } else {
            step
        }
    });
    let outcome = f.write(commits(batch)).await?;
    for (n, (run, outcome)) in runs.iter().zip(outcome.commits).enumerate() {
        assert_eq!(outcome == LOST, n % 3 == 0, "commit {n}");
        assert_eq!(f.history(*run).await?.len(), usize::from(n % 3 != 0));
        let suspended = f.status(*run).await? == Status::Suspended;
        assert_eq!(suspended, n % 3 == 2);
    }
    Ok(())
}

pub(super) async fn batches_of_any_length_are_written_whole(f: Fixture) -> CaseResult {
    let mut before: Vec<RunKey> = Vec::new();
    for length in [1_usize, 2, 3, 5, 8, 9, 17, 33, 70] {
        let news = (0..length).map(|n| owned(&format!("{length}-{n}"), f.worker));
        // Of the runs of the batch before, some end, some take mail in, some go on.
        let mut batch = starts(news);
        for (n, run) in before.iter().enumerate() {
            let mail = f.post(signal(*run, "s", 1)).await?;
            let values = 0..u32::try_from(n % 3)? + 1;
            let step = commit(*run, 1, 0).events(values.map(|value| completed("x", value)));
            batch.commits.push(match n % 4 {
                0 => step.ends(Status::Completed),
                1 => step.consumes([mail]),
                2 => step.consumes([mail]).keep(Status::Suspended),
                _ => step,
            });
        }
        let outcome = f.write(batch).await?;
        for (n, run) in before.iter().enumerate() {
            let (status, mail, end) = match n % 4 {
                0 => (Status::Completed, 0, 1),
                1 => (Status::Running, 0, 0),
                2 => (Status::Suspended, 0, 0),
                _ => (Status::Running, 1, 0),
            };
            assert_eq!(f.status(*run).await?, status, "commit {n} of {length}");
            assert_eq!(f.mailbox(*run).await?.len(), mail);
            assert_eq!(f.history(*run).await?.len(), n % 3 + 1 + end);
        }
        before.clear();
        for (n, start) in outcome.starts.into_iter().enumerate() {
            let StartOutcome::Created { run } = start else {
                return Err("the run was there".into());
            };
            assert_eq!(f.record(run).await?.id, id(&format!("{length}-{n}")));
            before.push(run);
        }
        assert_eq!(before.len(), length);
    }
    Ok(())
}

pub(super) async fn a_commit_without_an_update_leaves_the_row_alone(f: Fixture) -> CaseResult {
    let run = f.start_owned("a").await?;
    f.committed(commit(run, 1, 0).keep(Status::Suspended))
        .await?;
    f.committed(commit(run, 1, 0).events([completed("x", 1)]))
        .await?;
    assert_eq!(f.status(run).await?, Status::Suspended);
    assert!(f.claim(at(1_000)).await?.is_empty());
    Ok(())
}

pub(super) async fn an_ending_frees_the_run_whatever_it_asked_for(f: Fixture) -> CaseResult {
    let asked = [
        Ownership::Keep,
        Ownership::Release {
            due: Some(at(3)),
            seen: crate::journal::MailId::new(0),
        },
    ];
    for (n, ownership) in asked.into_iter().enumerate() {
        let run = f.start_owned(&n.to_string()).await?;
        f.deliver(signal(run, "s", 1)).await?;
        let ending = commit(run, 1, 0).events([ended(Status::Completed)]);
        f.committed(ending.update(Status::Completed, ownership))
            .await?;
    }
    let claimed = f.claimed(at(1_000), 10).await?;
    assert!(claimed.runs.is_empty() && claimed.next_due.is_none());
    assert_eq!(f.store().retire_worker(f.worker).await?, 0);
    Ok(())
}
