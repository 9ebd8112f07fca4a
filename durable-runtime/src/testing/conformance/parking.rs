//! Runs that stand aside, and what wakes a run that nobody owns.

use super::{
    fixture::{CommitExt, Fixture, at, cancel, child_ended, commit, completed, signal},
    run::CaseResult,
};
use crate::{journal::RunKey, status::Status, store::NewMail};

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

pub(super) async fn reviving_makes_every_parked_run_due(f: Fixture) -> CaseResult {
    let mut runs = Vec::new();
    for n in 0..3 {
        runs.push(parked(&f, &n.to_string()).await?);
    }
    f.waiting("waiting", None).await?;
    f.start_owned("running").await?;
    assert_eq!(f.store().revive_parked().await?, 3);
    let mut claimed: Vec<_> = f.claim(at(1)).await?.iter().map(|run| run.run).collect();
    claimed.sort_unstable();
    assert_eq!(claimed, runs);
    Ok(())
}

pub(super) async fn a_revived_run_is_running_and_its_reason_gone(f: Fixture) -> CaseResult {
    let run = parked(&f, "a").await?;
    f.store().revive_parked().await?;
    let loaded = f.claim_one(at(1)).await?;
    assert_eq!((loaded.status, loaded.epoch.get()), (Status::Parked, 2));
    assert_eq!(loaded.events, [completed("x", 1)]);
    let record = f.record(run).await?;
    assert_eq!((record.status, record.reason), (Status::Running, None));
    Ok(())
}

pub(super) async fn reviving_nothing_counts_nothing(f: Fixture) -> CaseResult {
    f.start("a").await?;
    f.waiting("b", None).await?;
    assert_eq!(f.store().revive_parked().await?, 0);
    let runs = f.claim(at(1)).await?;
    assert_eq!(runs.len(), 1);
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

pub(super) async fn mail_for_a_parked_run_is_kept(f: Fixture) -> CaseResult {
    let run = parked(&f, "a").await?;
    f.deliver(signal(run, "s", 1)).await?;
    f.deliver(signal(run, "s", 2)).await?;
    f.store().revive_parked().await?;
    assert_eq!(f.claim_one(at(1)).await?.mail.len(), 2);
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
        f.store().register_worker(at(60)).await?.get()
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
    assert_eq!(f.store().revive_parked().await?, 0);
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
