//! Calls that are made again because their reply was lost.

use super::{
    fixture::{
        CommitExt, Fixture, at, cancel, child_of, commit, completed, mails, new_run, owned, signal,
        starts,
    },
    run::CaseResult,
};
use crate::{
    journal::{RunKey, WorkerId},
    status::Status,
    store::{Batch, BatchId, CommitOutcome, MailOutcome, NewRun, NewWorker, StartOutcome},
};

/// A batch under an id.
fn numbered(batch: Batch, worker: WorkerId, number: i64) -> Batch {
    Batch {
        id: Some(BatchId { worker, number }),
        ..batch
    }
}

fn reached(outcome: &MailOutcome) -> Option<RunKey> {
    outcome.clone().delivery().map(|delivery| delivery.run)
}

pub(super) async fn a_start_sent_again_is_the_same_start(f: Fixture) -> CaseResult {
    for new in [new_run("free"), owned("owned", f.worker)] {
        let first = f.try_start(new.clone()).await?;
        assert!(matches!(first, StartOutcome::Created { .. }));
        assert_eq!(f.try_start(new.clone()).await?, first);
        // Also in a batch, next to others.
        let batch = f.write(starts([new_run("a"), new, new_run("b")])).await?;
        assert_eq!(batch.starts[1], first);
    }
    assert_eq!(f.claim(at(0)).await?.len(), 3);
    Ok(())
}

pub(super) async fn a_start_sent_again_after_a_claim_is_not(f: Fixture) -> CaseResult {
    let run = f.start("a").await?;
    f.claim_one(at(0)).await?;
    let again = f.try_start(new_run("a")).await?;
    assert!(matches!(again, StartOutcome::Exists { run: there, .. } if there == run));
    Ok(())
}

pub(super) async fn a_start_for_another_worker_is_not_the_same(f: Fixture) -> CaseResult {
    let other = f.store().register_worker(NewWorker::until(at(60))).await?;
    f.start_owned("a").await?;
    let again = f.try_start(owned("a", other)).await?;
    assert!(matches!(again, StartOutcome::Exists { .. }));
    let again = f.try_start(new_run("a")).await?;
    assert!(matches!(again, StartOutcome::Exists { .. }));
    Ok(())
}

pub(super) async fn mail_sent_again_under_its_batch_arrives_once(f: Fixture) -> CaseResult {
    let run = f.start_owned("a").await?;
    let batch = numbered(mails([signal(run, "s", 1), cancel(run)]), f.worker, 1);
    let first = f.write(batch).await?;
    assert!(first.mail.iter().all(|mail| reached(mail) == Some(run)));
    let batch = numbered(mails([signal(run, "s", 1), cancel(run)]), f.worker, 1);
    let again = f.write(batch).await?;
    for mail in again.mail {
        let delivery = mail.delivery().ok_or("not delivered")?;
        assert_eq!((delivery.run, delivery.owned), (run, true));
    }
    assert_eq!(f.mailbox(run).await?.len(), 2);
    Ok(())
}

pub(super) async fn mail_sent_again_after_it_was_consumed_does_not_come_back(
    f: Fixture,
) -> CaseResult {
    let run = f.start_owned("a").await?;
    let batch = || numbered(mails([signal(run, "s", 1)]), f.worker, 7);
    let first = f.write(batch()).await?;
    let sent = first.mail[0]
        .clone()
        .delivery()
        .and_then(|delivery| delivery.mail);
    let step = commit(run, 1, 0).events([completed("x", 1)]).consumes(sent);
    f.committed(step).await?;
    let again = f.write(batch()).await?;
    assert_eq!(reached(&again.mail[0]), Some(run));
    assert!(f.mailbox(run).await?.is_empty());
    Ok(())
}

pub(super) async fn the_next_batch_of_a_worker_is_new(f: Fixture) -> CaseResult {
    let run = f.start("a").await?;
    for number in [1, 2, 3, 10] {
        let batch = || numbered(mails([signal(run, "s", 1)]), f.worker, number);
        f.write(batch()).await?;
        f.write(batch()).await?;
    }
    assert_eq!(f.mailbox(run).await?.len(), 4);
    Ok(())
}

pub(super) async fn batches_of_different_workers_are_different(f: Fixture) -> CaseResult {
    let run = f.start("a").await?;
    let other = f.store().register_worker(NewWorker::until(at(60))).await?;
    for worker in [f.worker, other, f.worker, other] {
        f.write(numbered(mails([signal(run, "s", 1)]), worker, 1))
            .await?;
    }
    assert_eq!(f.mailbox(run).await?.len(), 2);
    Ok(())
}

pub(super) async fn a_batch_that_was_written_is_settled(f: Fixture) -> CaseResult {
    let run = f.start("a").await?;
    let batch = |number| numbered(mails([signal(run, "s", 1)]), f.worker, number);
    f.write(batch(4)).await?;
    let id = |number| BatchId {
        worker: f.worker,
        number,
    };
    for _ in 0..2 {
        assert!(f.store().settle(id(4)).await?);
    }
    // An earlier one comes too late.
    assert!(f.store().settle(id(3)).await?);
    f.write(batch(3)).await?;
    assert_eq!(f.mailbox(run).await?.len(), 1);
    Ok(())
}

pub(super) async fn a_batch_that_is_settled_before_it_comes_writes_no_mail(
    f: Fixture,
) -> CaseResult {
    let run = f.start_owned("a").await?;
    let other = f.store().register_worker(NewWorker::until(at(60))).await?;
    let late = |size: u32| {
        let step = commit(run, 1, 0).events([completed("x", 1)]);
        let pieces = mails((0..size).map(|n| signal(run, "s", n)));
        let batch = Batch {
            commits: vec![step],
            ..pieces
        };
        numbered(batch, f.worker, 1)
    };
    let id = BatchId {
        worker: f.worker,
        number: 1,
    };
    assert!(!f.store().settle(id).await?);
    // The worker sends the parts again, in other batches; then the first try comes after all.
    f.write(numbered(mails([signal(run, "s", 1)]), f.worker, 2))
        .await?;
    for size in [2, 1] {
        let outcome = f.write(late(size)).await?;
        assert!(outcome.mail.iter().all(|mail| reached(mail) == Some(run)));
        assert!(matches!(
            outcome.commits[0],
            CommitOutcome::Committed { .. }
        ));
    }
    f.write(numbered(mails([signal(run, "s", 7)]), f.worker, 1))
        .await?;
    assert_eq!(f.mailbox(run).await?.len(), 1);
    // Another worker counts for itself.
    f.write(numbered(mails([signal(run, "s", 1)]), other, 1))
        .await?;
    assert_eq!(f.mailbox(run).await?.len(), 2);
    Ok(())
}

pub(super) async fn mail_without_a_batch_id_is_always_new(f: Fixture) -> CaseResult {
    let run = f.start("a").await?;
    for _ in 0..3 {
        f.write(mails([signal(run, "s", 1)])).await?;
    }
    assert_eq!(f.mailbox(run).await?.len(), 3);
    Ok(())
}

pub(super) async fn a_batch_is_known_after_its_worker_was_reaped(f: Fixture) -> CaseResult {
    let run = f.start("a").await?;
    let dead = f.store().register_worker(NewWorker::until(at(10))).await?;
    let batch = || numbered(mails([signal(run, "s", 1)]), dead, 4);
    f.write(batch()).await?;
    f.store().reap(at(11)).await?;
    f.write(batch()).await?;
    assert_eq!(f.mailbox(run).await?.len(), 1);
    Ok(())
}

pub(super) async fn a_batch_without_mail_between_does_not_hide_it(f: Fixture) -> CaseResult {
    let run = f.start_owned("a").await?;
    let batch = || {
        let step = commit(run, 1, 0).events([completed("x", 1)]);
        Batch {
            id: None,
            starts: vec![new_run("b")],
            mail: vec![signal(run, "s", 1)],
            commits: vec![step],
            ..Batch::default()
        }
    };
    f.write(numbered(batch(), f.worker, 4)).await?;
    let again = f.write(numbered(batch(), f.worker, 4)).await?;
    assert!(matches!(again.starts[0], StartOutcome::Created { .. }));
    assert!(matches!(again.commits[0], CommitOutcome::Committed { .. }));
    assert_eq!(f.mailbox(run).await?.len(), 1);
    assert_eq!(f.history(run).await?.len(), 1);
    Ok(())
}

pub(super) async fn mail_sent_again_to_a_run_that_has_ended_is_told(f: Fixture) -> CaseResult {
    let run = f.start_owned("a").await?;
    f.write(numbered(mails([signal(run, "s", 1)]), f.worker, 1))
        .await?;
    f.committed(commit(run, 1, 0).ends(Status::Completed))
        .await?;
    let again = f
        .write(numbered(mails([signal(run, "s", 1)]), f.worker, 1))
        .await?;
    assert_eq!(again.mail, [MailOutcome::Ended(Status::Completed)]);
    Ok(())
}

pub(super) async fn a_commit_sent_again_tells_of_its_children_as_at_first(
    f: Fixture,
) -> CaseResult {
    let parent = f.start_owned("p").await?;
    let child = NewRun {
        owner: Some(f.worker),
        ..child_of(parent, "p/c", "c")
    };
    let step = commit(parent, 1, 0)
        .events([completed("x", 1)])
        .children([child]);
    let first = f.committed(step.clone()).await?;
    let again = f.committed(step).await?;
    assert_eq!(first.children, again.children);
    assert!(matches!(again.children[0], StartOutcome::Created { .. }));
    Ok(())
}

pub(super) async fn a_commit_sent_again_after_reaping_was_still_written(f: Fixture) -> CaseResult {
    let run = f.start_owned("a").await?;
    let step = commit(run, 1, 0)
        .events([completed("x", 1)])
        .keep(Status::Suspended);
    f.committed(step.clone()).await?;
    f.store().reap(at(61)).await?;
    f.committed(step.clone()).await?;
    // Somebody else has it now.
    f.store().register_worker(NewWorker::until(at(900))).await?;
    let worker = f.store().register_worker(NewWorker::until(at(900))).await?;
    let claim = crate::store::Claim::new(worker, at(61), 1);
    assert_eq!(f.store().claim(claim).await?.runs[0].events.len(), 1);
    assert_eq!(f.commit(step).await?, CommitOutcome::LostOwnership);
    assert_eq!(f.history(run).await?.len(), 1);
    Ok(())
}

pub(super) async fn strays_of_a_lost_claim_are_given_back(f: Fixture) -> CaseResult {
    let mut runs = Vec::new();
    for n in 0..6 {
        runs.push(f.start(&n.to_string()).await?);
    }
    f.claim(at(0)).await?;
    let residents = [runs[1], runs[4], RunKey::new(999_999)];
    assert_eq!(f.store().release_strays(f.worker, &residents).await?, 4);
    let again = f.claim(at(0)).await?;
    let claimed: Vec<_> = again.iter().map(|run| (run.run, run.epoch.get())).collect();
    assert_eq!(
        claimed,
        [(runs[0], 2), (runs[2], 2), (runs[3], 2), (runs[5], 2)]
    );
    Ok(())
}

pub(super) async fn strays_are_only_the_workers_own(f: Fixture) -> CaseResult {
    let other = f.store().register_worker(NewWorker::until(at(60))).await?;
    f.start_run(owned("other", other)).await?;
    f.start("free").await?;
    f.waiting("waiting", Some(at(900))).await?;
    let mine = f.start_owned("mine").await?;
    let ended = f.start_owned("ended").await?;
    f.committed(commit(ended, 1, 0).ends(Status::Completed))
        .await?;
    assert_eq!(f.store().release_strays(f.worker, &[mine]).await?, 0);
    assert_eq!(f.store().release_strays(f.worker, &[]).await?, 1);
    assert_eq!(f.store().release_strays(f.worker, &[]).await?, 0);
    assert_eq!(f.claim(at(0)).await?.len(), 2);
    Ok(())
}

pub(super) async fn residents_may_be_many(f: Fixture) -> CaseResult {
    let batch = starts((0..1_500).map(|n| owned(&n.to_string(), f.worker)));
    let residents: Vec<RunKey> = f
        .write(batch)
        .await?
        .starts
        .iter()
        .filter_map(|start| match start {
            StartOutcome::Created { run } => Some(*run),
            StartOutcome::Exists { .. } => None,
        })
        .collect();
    assert_eq!(f.store().release_strays(f.worker, &residents).await?, 0);
    assert_eq!(
        f.store().release_strays(f.worker, &residents[1..]).await?,
        1
    );
    Ok(())
}
