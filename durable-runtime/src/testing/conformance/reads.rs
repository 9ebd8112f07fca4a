//! Reading single runs.

use super::{
    fixture::{CommitExt, Fixture, at, cancel, commit, completed, id, owned, signal},
    run::CaseResult,
};
use crate::{
    journal::{Epoch, RunKey},
    status::Status,
    store::{MailKind, NewWorker, Owned},
};

pub(super) async fn a_run_is_found_by_id_and_by_number(f: Fixture) -> CaseResult {
    let run = f.start("a").await?;
    f.start("b").await?;
    let found = f.store().find(&id("a")).await?;
    assert_eq!(found, f.store().read(run).await?);
    assert_eq!(found.map(|found| found.run), Some(run));
    Ok(())
}

pub(super) async fn what_is_not_there_is_not_found(f: Fixture) -> CaseResult {
    f.start("a").await?;
    let nobody = RunKey::new(999_999);
    assert_eq!(f.store().find(&id("b")).await?, None);
    assert_eq!(f.store().find(&id("")).await?, None);
    assert_eq!(f.store().read(nobody).await?, None);
    assert_eq!(f.store().read(RunKey::new(-1)).await?, None);
    assert!(f.history(nobody).await?.is_empty());
    assert!(f.mailbox(nobody).await?.is_empty());
    assert!(f.store().children(nobody).await?.is_empty());
    Ok(())
}

pub(super) async fn a_read_sees_what_was_acknowledged(f: Fixture) -> CaseResult {
    let run = f.start_owned("a").await?;
    for n in 0..20 {
        f.committed(commit(run, 1, n).events([completed("x", n)]))
            .await?;
        assert_eq!(f.history(run).await?.len(), n as usize + 1);
        f.deliver(signal(run, "s", n)).await?;
        assert_eq!(f.mailbox(run).await?.len(), n as usize + 1);
    }
    Ok(())
}

pub(super) async fn reading_changes_nothing(f: Fixture) -> CaseResult {
    let run = f.waiting("a", Some(at(5))).await?;
    f.deliver(signal(run, "s", 1)).await?;
    let before = f.record(run).await?;
    f.store().find(&id("a")).await?;
    f.mailbox(run).await?;
    f.history(run).await?;
    assert_eq!(f.record(run).await?, before);
    assert_eq!(f.claim_one(at(1)).await?.mail.len(), 1);
    Ok(())
}

pub(super) async fn a_mailbox_shows_what_is_not_consumed(f: Fixture) -> CaseResult {
    let run = f.start_owned("a").await?;
    let first = f.post(signal(run, "s", 1)).await?;
    f.deliver(cancel(run)).await?;
    let step = commit(run, 1, 0).events([completed("x", 1)]);
    f.committed(step.consumes([first])).await?;
    assert_eq!(f.mailbox(run).await?, [MailKind::Cancel]);
    Ok(())
}

pub(super) async fn an_ended_run_has_an_empty_mailbox_and_its_journal(f: Fixture) -> CaseResult {
    let run = f.start_owned("a").await?;
    f.deliver(signal(run, "s", 1)).await?;
    let ends = commit(run, 1, 0).events([completed("x", 1)]);
    f.committed(ends.ends(Status::Completed)).await?;
    assert!(f.mailbox(run).await?.is_empty());
    assert_eq!(f.history(run).await?.len(), 2);
    Ok(())
}

pub(super) async fn a_row_tells_when_it_changed(f: Fixture) -> CaseResult {
    let run = f.start("a").await?;
    assert_eq!(f.record(run).await?.updated_at, at(0));
    f.claim_one(at(4)).await?;
    assert_eq!(f.record(run).await?.updated_at, at(4));
    let mut ends = commit(run, 1, 0).ends(Status::Completed);
    ends.at = at(8);
    f.committed(ends).await?;
    let record = f.record(run).await?;
    assert_eq!((record.created_at, record.updated_at), (at(0), at(8)));
    Ok(())
}

pub(super) async fn a_worker_is_told_where_its_runs_stand(f: Fixture) -> CaseResult {
    let other = f.store().register_worker(NewWorker::until(at(60))).await?;
    let new = f.start_owned("new").await?;
    let further = f.start_owned("further").await?;
    let events = [completed("x", 1), completed("y", 2)];
    f.committed(commit(further, 1, 0).events(events)).await?;
    f.start_run(owned("other", other)).await?;
    f.start("due").await?;
    let claimed = f.claim_one(at(1)).await?;
    let released = f.waiting("released", None).await?;
    let owned = f.store().owned(f.worker).await?;
    let mut owned = owned.ok_or("the store cannot tell")?;
    owned.sort_unstable_by_key(|run| run.run);
    let mut expected =
        [(new, 1, 0), (further, 1, 2), (claimed.run, 1, 0)].map(|(run, epoch, events)| Owned {
            run,
            created_at: Some(at(0)),
            epoch: Epoch::new(epoch),
            events: Some(events),
        });
    expected.sort_unstable_by_key(|run| run.run);
    assert_eq!(owned, expected, "{released:?} belongs to nobody");
    Ok(())
}
