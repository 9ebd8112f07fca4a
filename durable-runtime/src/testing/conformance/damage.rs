//! Databases that somebody has damaged: nothing is guessed, and other runs go on.

use super::{
    Damage,
    fixture::{CommitExt, Fallible, Fixture, at, commit, completed, signal},
    run::CaseResult,
};
use crate::{journal::RunKey, status::Status, store::StoreErrorKind};

/// A run with five events and a piece of mail that is due, and a sound one beside it.
async fn two_runs(f: &Fixture) -> Fallible<(RunKey, RunKey)> {
    let mut runs = Vec::new();
    for id in ["damaged", "sound"] {
        let run = f.start_owned(id).await?;
        let step = commit(run, 1, 0).events((0..5).map(|n| completed("x", n)));
        f.committed(step.release(Status::Suspended, Some(at(3)), 0))
            .await?;
        f.deliver(signal(run, "s", 1)).await?;
        runs.push(run);
    }
    Ok((runs[0], runs[1]))
}

/// The damaged run is parked with the reason, and the other one is claimed.
async fn parks(f: &Fixture, damage: impl Fn(RunKey) -> Damage) -> CaseResult {
    let (damaged, sound) = two_runs(f).await?;
    if !f.damage(damage(damaged)).await? {
        return Ok(());
    }
    let claimed = f.claim(at(3)).await?;
    let runs: Vec<_> = claimed.iter().map(|run| run.run).collect();
    assert_eq!(runs, [sound]);
    let record = f.record(damaged).await?;
    assert_eq!(record.status, Status::Parked);
    assert!(record.reason.is_some_and(|reason| !reason.is_empty()));
    assert!(f.claim(at(1_000)).await?.is_empty());
    // A later worker tries it, and the sound one is not touched.
    let revived = f.revive(at(1_000)).await?;
    assert!(revived.iter().all(|run| run.run == damaged));
    Ok(())
}

pub(super) async fn a_journal_with_a_gap_parks_its_run(f: Fixture) -> CaseResult {
    let gap = |run| Damage::RemoveEvent { run, position: 2 };
    parks(&f, gap).await
}

pub(super) async fn a_journal_without_its_beginning_parks_its_run(f: Fixture) -> CaseResult {
    let gap = |run| Damage::RemoveEvent { run, position: 0 };
    parks(&f, gap).await
}

pub(super) async fn an_unknown_event_parks_its_run(f: Fixture) -> CaseResult {
    let unknown = |run| Damage::UnknownEvent { run, position: 4 };
    parks(&f, unknown).await
}

pub(super) async fn unknown_mail_parks_its_run(f: Fixture) -> CaseResult {
    parks(&f, |run| Damage::UnknownMail { run }).await
}

pub(super) async fn an_unknown_status_parks_its_run(f: Fixture) -> CaseResult {
    parks(&f, |run| Damage::UnknownStatus { run }).await
}

pub(super) async fn a_damaged_journal_is_an_error_to_read(f: Fixture) -> CaseResult {
    let (damaged, sound) = two_runs(&f).await?;
    let gap = Damage::RemoveEvent {
        run: damaged,
        position: 2,
    };
    if !f.damage(gap).await? {
        return Ok(());
    }
    let error = f.store().history(damaged).await.err();
    assert_eq!(
        error.map(|error| error.kind()),
        Some(StoreErrorKind::Unreadable)
    );
    assert_eq!(f.history(sound).await?.len(), 5);
    Ok(())
}
