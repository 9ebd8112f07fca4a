//! Runs that stand aside, and what wakes a run that nobody owns.

use super::{
    fixture::{
        CommitExt, Fallible, Fixture, at, cancel, child_ended, commit, commits, completed, mail,
        mails, signal, signal_kind,
    },
    run::CaseResult,
};
use crate::{
    failure::{Failure, FailureKind},
    journal::{Event, EventKind, RunKey},
    status::Status,
    store::{Claim, CommitOutcome, MailKind, MailOutcome, NewMail, NewWorker},
};

/// Starts a run and parks it.
async fn parked(f: &Fixture, id: &str) -> Result<RunKey, crate::failure::BoxError> {
    let run = f.start_owned(id).await?;
    let parking = commit(run, 1, 0).events([completed("x", 1)]);
    let parking = parking
        .release(Status::Parked, None, i64::MAX)
        .reason("no such step");
    f.committed(parking).await?;
    Ok(run)
}

pub(super) async fn a_parked_run_says_why_and_is_not_due(f: Fixture) -> CaseResult {
    let run = parked(&f, "a").await?;
    let record = f.record(run).await?;
    assert_eq!(record.status, Status::Parked);
    assert_eq!(record.reason.as_deref(), Some("no such step"));
    let claimed = f.claimed(at(1_000), 10).await?;
    assert!(claimed.runs.is_empty() && claimed.next_due.is_none());
    Ok(())
}

pub(super) async fn a_new_worker_takes_every_parked_run_and_nothing_else(f: Fixture) -> CaseResult {
    let mut runs = Vec::new();
    for n in 0..3 {
        runs.push(parked(&f, &n.to_string()).await?);
    }
    f.start("pending").await?;
    f.waiting("waiting", None).await?;
    f.start_owned("running").await?;
    let revived: Vec<_> = f.revive(at(1)).await?.iter().map(|run| run.run).collect();
    assert_eq!(revived, runs);
    assert!(f.revive(at(1)).await?.is_empty());
    Ok(())
}

pub(super) async fn a_worker_does_not_try_again_what_it_has_parked(f: Fixture) -> CaseResult {
    let run = parked(&f, "a").await?;
    let claim = |worker| Claim::new(worker, at(1), 10);
    assert!(f.store().claim_parked(claim(f.worker)).await?.is_empty());
    let other = f.store().register_worker(NewWorker::until(at(100))).await?;
    assert_eq!(f.store().claim_parked(claim(other)).await?.len(), 1);
    let again = commit(run, 2, 1).release(Status::Parked, None, i64::MAX);
    f.committed_by(other, again).await?;
    // Neither of the two: a third one may try.
    assert!(f.store().claim_parked(claim(f.worker)).await?.is_empty());
    assert!(f.store().claim_parked(claim(other)).await?.is_empty());
    let third = f.store().register_worker(NewWorker::until(at(100))).await?;
    assert_eq!(f.store().claim_parked(claim(third)).await?.len(), 1);
    Ok(())
}

pub(super) async fn a_parked_run_that_went_on_may_be_tried_by_all_again(f: Fixture) -> CaseResult {
    let run = parked(&f, "a").await?;
    let other = f.store().register_worker(NewWorker::until(at(100))).await?;
    let claim = |worker| Claim::new(worker, at(3), 10);
    f.store().claim_parked(claim(other)).await?;
    let on = commit(run, 2, 1).events([completed("y", 1)]);
    f.committed_by(other, on.release(Status::Suspended, Some(at(2)), 0))
        .await?;
    assert_eq!(f.store().claim(claim(other)).await?.runs.len(), 1);
    let parking = commit(run, 3, 2).release(Status::Parked, None, i64::MAX);
    f.committed_by(other, parking).await?;
    assert_eq!(f.store().claim_parked(claim(f.worker)).await?.len(), 1);
    Ok(())
}

pub(super) async fn parked_runs_are_taken_by_number_up_to_the_limit(f: Fixture) -> CaseResult {
    let mut runs = Vec::new();
    for n in 0..5 {
        runs.push(parked(&f, &n.to_string()).await?);
    }
    let worker = f.store().register_worker(NewWorker::until(at(100))).await?;
    let claim = Claim::new(worker, at(1), 3);
    let taken: Vec<_> = f.store().claim_parked(claim.clone()).await?;
    let taken: Vec<_> = taken.iter().map(|run| run.run).collect();
    assert_eq!(taken, runs[..3]);
    assert_eq!(f.store().claim_parked(claim).await?.len(), 2);
    Ok(())
}

pub(super) async fn a_retired_worker_takes_no_parked_run(f: Fixture) -> CaseResult {
    parked(&f, "a").await?;
    let worker = f.store().register_worker(NewWorker::until(at(100))).await?;
    f.store().retire_worker(worker).await?;
    let claim = Claim::new(worker, at(1), 3);
    assert!(f.store().claim_parked(claim).await?.is_empty());
    Ok(())
}

pub(super) async fn a_revived_run_is_running_and_its_reason_gone(f: Fixture) -> CaseResult {
    let run = parked(&f, "a").await?;
    let loaded = &f.revive(at(1)).await?[0];
    assert_eq!((loaded.status, loaded.epoch.get()), (Status::Parked, 2));
    assert_eq!(loaded.events, [completed("x", 1)]);
    let record = f.record(run).await?;
    assert_eq!((record.status, record.reason), (Status::Running, None));
    Ok(())
}

pub(super) async fn a_signal_does_not_wake_a_parked_run(f: Fixture) -> CaseResult {
    let run = parked(&f, "a").await?;
    assert!(!f.deliver(signal(run, "s", 1)).await?.owned);
    f.deliver(child_ended(run, "c", Ok(1))).await?;
    assert!(f.claim(at(1_000)).await?.is_empty());
    Ok(())
}

pub(super) async fn a_cancellation_wakes_a_parked_run(f: Fixture) -> CaseResult {
    let run = parked(&f, "a").await?;
    f.deliver(cancel(run)).await?;
    assert_eq!(f.status(run).await?, Status::Parked);
    let loaded = f.claim_one(at(1)).await?;
    assert_eq!((loaded.status, loaded.mail.len()), (Status::Parked, 1));
    Ok(())
}

pub(super) async fn what_abandons_a_rollback_wakes_a_parked_run(f: Fixture) -> CaseResult {
    let run = parked(&f, "a").await?;
    let other = f.start_owned("b").await?;
    f.deliver(mail(run, MailKind::AbandonRollback)).await?;
    let loaded = f.claim_one(at(1)).await?;
    assert_eq!((loaded.status, loaded.mail.len()), (Status::Parked, 1));
    // In a batch, and on parking.
    let third = parked(&f, "c").await?;
    let abandon = |run| mail(run, MailKind::AbandonRollback);
    f.write(mails([abandon(third), signal(other, "s", 1)]))
        .await?;
    assert_eq!(f.claim_one(at(1)).await?.run, third);
    assert!(due_after(&f, abandon, Status::Parked, |sent| sent - 1).await?);
    assert!(!due_after(&f, abandon, Status::Parked, |sent| sent).await?);
    Ok(())
}

pub(super) async fn a_run_parked_in_its_rollback_takes_nothing_that_would_have_no_effect(
    f: Fixture,
) -> CaseResult {
    let begin = [
        EventKind::CancelRequested,
        EventKind::RollbackStarted {
            failure: Failure::new(FailureKind::Application, "it broke"),
        },
    ];
    let (other, sender) = (parked(&f, "other").await?, f.start_owned("sender").await?);
    for (n, kind) in (0..).zip(begin) {
        let run = f.start_owned(kind.name()).await?;
        let mut parking = commit(run, 1, 0).events([completed("x", 1), completed("y", 1)]);
        parking.events[1] = Event {
            kind,
            step: None,
            ..parking.events[1].clone()
        };
        let parking = parking.release(Status::Parked, None, i64::MAX);
        f.committed(parking.reason("no such compensation")).await?;
        let refused = [MailKind::Cancel, signal_kind("s", 1)];
        // Alone, in a batch, and from another run.
        for kind in &refused {
            let outcome = f.send(mail(run, kind.clone())).await?;
            assert_eq!(outcome, MailOutcome::RollingBack);
        }
        let all = refused.iter().map(|kind| mail(run, kind.clone()));
        let outcome = f.write(mails(all.chain([signal(other, "s", 1)]))).await?;
        assert_eq!(
            outcome.mail[..2],
            [MailOutcome::RollingBack, MailOutcome::RollingBack]
        );
        assert!(matches!(outcome.mail[2], MailOutcome::Delivered(_)));
        let tells = commit(sender, 1, n).events([completed("x", 1)]);
        let written = f.committed(tells.sends([cancel(run)])).await?;
        assert_eq!(written.outgoing, [None]);
        assert_eq!(f.mailbox(run).await?, []);
        // The end of a child is kept, and what ends the rollback has the run tried again.
        let taken = [child_ended(run, "c", Ok(1)).kind, MailKind::AbandonRollback];
        f.deliver(mail(run, taken[0].clone())).await?;
        assert!(f.claim(at(1)).await?.is_empty());
        f.deliver(mail(run, taken[1].clone())).await?;
        assert_eq!(f.send(cancel(run)).await?, MailOutcome::RollingBack);
        assert_eq!(f.mailbox(run).await?, taken);
        assert_eq!(f.claim_one(at(1)).await?.run, run);
    }
    Ok(())
}

/// A batch that parks a run in its rollback, and mail to that run in the same batch.
pub(super) async fn mail_to_a_run_that_its_batch_parks_in_its_rollback(f: Fixture) -> CaseResult {
    let (first, last) = (f.start_owned("first").await?, f.start_owned("last").await?);
    let run = f.start_owned("run").await?;
    let mut parking = commit(run, 1, 0).events([completed("x", 1)]);
    parking.events[0].step = None;
    parking.events[0].kind = EventKind::CancelRequested;
    let parking = parking.release(Status::Parked, None, i64::MAX);
    let tells = |from| {
        let tells = commit(from, 1, 0).events([completed("x", 1)]);
        tells.sends([signal(run, "s", 1)])
    };
    let batch = commits([tells(first), parking, tells(last)]);
    let outcome = f.write(batch).await?;
    let delivered = |commit: usize| match &outcome.commits[commit] {
        CommitOutcome::Committed { outgoing, .. } => outgoing[0].is_some(),
        CommitOutcome::LostOwnership => false,
    };
    assert!(delivered(0), "it was sent before: {outcome:?}");
    assert!(!delivered(2), "it was sent after: {outcome:?}");
    Ok(())
}

pub(super) async fn mail_for_a_parked_run_is_kept(f: Fixture) -> CaseResult {
    let run = parked(&f, "a").await?;
    f.deliver(signal(run, "s", 1)).await?;
    f.deliver(signal(run, "s", 2)).await?;
    assert_eq!(f.revive(at(1)).await?[0].mail.len(), 2);
    Ok(())
}

/// Delivers mail to an owned run that then releases itself, and says whether it is due.
async fn due_after(
    f: &Fixture,
    mail: impl Fn(RunKey) -> NewMail,
    status: Status,
    seen: impl Fn(i64) -> i64,
) -> Result<bool, crate::failure::BoxError> {
    let id = format!(
        "{status}-{}",
        f.store()
            .register_worker(NewWorker::until(at(60)))
            .await?
            .get()
    );
    let run = f.start_owned(&id).await?;
    let sent = f.post(mail(run)).await?.get();
    f.committed(commit(run, 1, 0).release(status, None, seen(sent)))
        .await?;
    let claimed = f.claim(at(1_000)).await?;
    Ok(claimed.iter().any(|loaded| loaded.run == run))
}

pub(super) async fn a_cancellation_that_was_not_seen_wakes_on_parking(f: Fixture) -> CaseResult {
    assert!(due_after(&f, cancel, Status::Parked, |sent| sent - 1).await?);
    assert!(!due_after(&f, cancel, Status::Parked, |sent| sent).await?);
    assert!(!due_after(&f, cancel, Status::Parked, |_| i64::MAX).await?);
    Ok(())
}

pub(super) async fn a_signal_that_was_not_seen_does_not_wake_on_parking(f: Fixture) -> CaseResult {
    let arriving = |run| signal(run, "s", 1);
    assert!(!due_after(&f, arriving, Status::Parked, |sent| sent - 1).await?);
    let arriving = |run| child_ended(run, "c", Ok(1));
    assert!(!due_after(&f, arriving, Status::Parked, |sent| sent - 1).await?);
    Ok(())
}

pub(super) async fn nothing_wakes_a_paused_run(f: Fixture) -> CaseResult {
    assert!(!due_after(&f, cancel, Status::Paused, |sent| sent - 1).await?);
    let run = f.start_owned("a").await?;
    f.committed(commit(run, 1, 0).release(Status::Paused, None, 0))
        .await?;
    f.deliver(signal(run, "s", 1)).await?;
    f.deliver(cancel(run)).await?;
    assert!(f.revive(at(1)).await?.is_empty());
    assert!(f.claim(at(1_000)).await?.is_empty());
    Ok(())
}

pub(super) async fn mail_that_was_not_seen_wakes_on_release(f: Fixture) -> CaseResult {
    for status in [Status::Suspended, Status::Running, Status::Compensating] {
        let arriving = |run| signal(run, "s", 1);
        assert!(due_after(&f, arriving, status, |sent| sent - 1).await?);
        assert!(due_after(&f, cancel, status, |_| 0).await?);
    }
    Ok(())
}

pub(super) async fn mail_that_was_seen_does_not_wake_on_release(f: Fixture) -> CaseResult {
    let arriving = |run| signal(run, "s", 1);
    assert!(!due_after(&f, arriving, Status::Suspended, |sent| sent).await?);
    assert!(!due_after(&f, cancel, Status::Suspended, |sent| sent + 5).await?);
    Ok(())
}

pub(super) async fn a_parked_run_is_tried_by_those_who_can_drive_it(f: Fixture) -> CaseResult {
    let run = parked(&f, "a").await?;
    f.store().retire_worker(f.worker).await?;
    let claim_as = async |workflow: &str| {
        let worker = NewWorker {
            lease_until: at(100),
            workflows: Some(vec!["other".to_owned(), workflow.to_owned()]),
        };
        let worker = f.store().register_worker(worker).await?;
        let claim = Claim::new(worker, at(1), 3);
        let runs = f.store().claim_parked(claim).await?;
        Fallible::Ok(runs.into_iter().map(|run| run.run).collect::<Vec<_>>())
    };
    // Nor when nobody else can: it has been reported.
    assert_eq!(claim_as("market").await?, []);
    assert_eq!(claim_as("flow").await?, [run]);
    Ok(())
}
