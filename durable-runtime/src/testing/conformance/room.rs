//! The bound of a mailbox, which is counted as the signals are written.

use super::{
    fixture::{
        CommitExt, Fallible, Fixture, at, cancel, child_ended, commit, completed, event, id, mails,
        new_run, signal,
    },
    run::CaseResult,
};
use crate::{
    journal::{EventKind, RunKey, WorkerId},
    status::Status,
    store::{
        Batch, BatchId, BatchOutcome, MailOutcome, MailTarget, NewMail, NewWorker, StoreError,
        StoreErrorKind,
    },
};

const MAX: u32 = 3;

/// This batch of this sender, beyond those of the fixture.
fn batch_id(worker: WorkerId, number: i64) -> BatchId {
    BatchId {
        worker,
        number: 1_000_000_000 + number,
    }
}

/// What is sent under this bound, as this batch of this sender.
fn bounded(mail: impl IntoIterator<Item = NewMail>, worker: WorkerId, number: i64) -> Batch {
    Batch {
        id: Some(batch_id(worker, number)),
        mailbox_max: Some(MAX),
        ..mails(mail)
    }
}

/// Checks that these pieces of mail, and no others, had no room.
fn refused(outcome: Result<BatchOutcome, StoreError>, places: &[usize]) -> CaseResult {
    let error = outcome.err().ok_or("it had room")?;
    assert_eq!(error.kind(), StoreErrorKind::MailboxFull, "{error}");
    assert_eq!(error.places_without_room(), places);
    Ok(())
}

/// Signals until no more fit.
async fn fill(f: &Fixture, run: RunKey) -> CaseResult {
    let all = (0..MAX).map(|n| signal(run, "s", n));
    f.write(bounded(all, f.worker, 1)).await?;
    Ok(())
}

async fn count(f: &Fixture, run: RunKey) -> Fallible<usize> {
    Ok(f.mailbox(run).await?.len())
}

pub(super) async fn a_signal_beyond_the_bound_is_refused(f: Fixture) -> CaseResult {
    let run = f.start_owned("a").await?;
    let other = f.start("b").await?;
    for number in 1..=3 {
        f.store()
            .commit(&bounded([signal(run, "s", 0)], f.worker, number))
            .await?;
    }
    let beyond = bounded([signal(run, "s", 0)], f.worker, 4);
    refused(f.store().commit(&beyond).await, &[0])?;
    assert_eq!(count(&f, run).await?, 3);
    // Whatever else there is has room.
    let sent = [
        signal(run, "t", 0),
        signal(other, "s", 0),
        child_ended(run, "child", Ok(1)),
        cancel(run),
    ];
    for (number, mail) in (5..).zip(sent) {
        f.store().commit(&bounded([mail], f.worker, number)).await?;
    }
    assert_eq!(count(&f, run).await?, 6);
    // So has one more when one was taken.
    let first = f.store().mailbox(run).await?[0].id;
    let taking = commit(run, 1, 0).events([completed("x", 1)]);
    f.committed(taking.consumes([first])).await?;
    let mut refused = 0;
    for number in 20..22 {
        let mail = bounded([signal(run, "s", 0)], f.worker, number);
        refused += u32::from(f.store().commit(&mail).await.is_err());
    }
    assert_eq!((refused, count(&f, run).await?), (1, 6));
    Ok(())
}

pub(super) async fn of_a_batch_with_signals_beyond_the_bound_nothing_is_written(
    f: Fixture,
) -> CaseResult {
    let run = f.start_owned("a").await?;
    let other = f.start("b").await?;
    f.deliver(signal(run, "s", 0)).await?;
    let batch = |mail: Vec<NewMail>, number| Batch {
        starts: vec![new_run("new")],
        commits: vec![commit(run, 1, 0).events([completed("x", 1)])],
        ..bounded(mail, f.worker, number)
    };
    let all = [
        signal(run, "s", 1),
        signal(other, "s", 1),
        signal(run, "t", 1),
        signal(run, "s", 2),
        signal(run, "s", 3),
        cancel(run),
        signal(run, "s", 4),
    ];
    refused(f.store().commit(&batch(all.to_vec(), 1)).await, &[4, 6])?;
    assert!(f.store().find(&id("new")).await?.is_none());
    assert!(f.history(run).await?.is_empty());
    assert_eq!((count(&f, run).await?, count(&f, other).await?), (1, 0));
    // Those that have room are written without the others, under the same number or another.
    let rest: Vec<_> = [0, 1, 2, 3, 5].map(|place| all[place].clone()).to_vec();
    let written = f.write(batch(rest, 1)).await?;
    let is_delivered = |mail: &MailOutcome| matches!(mail, MailOutcome::Delivered(_));
    assert!(written.mail.iter().all(is_delivered));
    assert!(f.store().find(&id("new")).await?.is_some());
    assert_eq!((count(&f, run).await?, count(&f, other).await?), (5, 1));
    Ok(())
}

pub(super) async fn signals_for_a_run_of_the_same_batch_are_counted_too(f: Fixture) -> CaseResult {
    let batch = Batch {
        starts: vec![new_run("a")],
        ..bounded((0..=MAX).map(|n| by_id("a", n)), f.worker, 1)
    };
    refused(f.store().commit(&batch).await, &[3])?;
    assert!(f.store().find(&id("a")).await?.is_none());
    Ok(())
}

fn by_id(run: &str, number: u32) -> NewMail {
    NewMail {
        to: MailTarget::Id(id(run)),
        ..signal(RunKey::new(0), "s", number)
    }
}

pub(super) async fn a_batch_that_has_filled_a_mailbox_is_known_when_it_comes_again(
    f: Fixture,
) -> CaseResult {
    let run = f.start("a").await?;
    let first = bounded([signal(run, "s", 0)], f.worker, 1);
    let rest = bounded((1..MAX).map(|n| signal(run, "s", n)), f.worker, 2);
    f.write(first).await?;
    for _ in 0..3 {
        f.write(rest.clone()).await?;
        assert_eq!(count(&f, run).await?, 3);
    }
    let run = f.start("b").await?;
    f.write(bounded((1..MAX).map(|n| signal(run, "s", n)), f.worker, 3))
        .await?;
    let last = bounded([signal(run, "s", 0)], f.worker, 4);
    for _ in 0..3 {
        f.write(last.clone()).await?;
        assert_eq!(count(&f, run).await?, 3);
    }
    Ok(())
}

pub(super) async fn a_batch_that_was_refused_for_want_of_room_was_not_written(
    f: Fixture,
) -> CaseResult {
    for (name, size) in [("alone", 1), ("together", 2)] {
        let run = f.start_owned(name).await?;
        let worker = f.store().register_worker(NewWorker::until(at(60))).await?;
        f.write(mails((0..MAX).map(|n| signal(run, "s", n))))
            .await?;
        let batch = |number| bounded((0..size).map(|n| signal(run, "s", n)), worker, number);
        for number in [1, 2] {
            assert!(f.store().commit(&batch(number)).await.is_err());
        }
        f.committed(
            commit(run, 1, 0).events([completed("x", 1)]).consumes(
                f.store()
                    .mailbox(run)
                    .await?
                    .into_iter()
                    .map(|mail| mail.id),
            ),
        )
        .await?;
        // It may come again, and is written once; but not when it was decided that it is not.
        f.write(batch(1)).await?;
        f.write(batch(1)).await?;
        assert_eq!(count(&f, run).await?, size as usize);
        assert!(!f.store().settle(batch_id(worker, 2)).await?);
        f.write(batch(2)).await?;
        assert_eq!(count(&f, run).await?, size as usize);
    }
    Ok(())
}

pub(super) async fn a_run_that_takes_no_signals_says_so_though_its_mailbox_is_full(
    f: Fixture,
) -> CaseResult {
    for (name, rollback) in [
        ("rolling back", Status::Compensating),
        ("parked", Status::Parked),
    ] {
        let run = f.start_owned(name).await?;
        let fill = (0..MAX).map(|n| signal(run, "s", n));
        f.write(mails(fill)).await?;
        let seen = f
            .store()
            .mailbox(run)
            .await?
            .last()
            .map_or(0, |mail| mail.id.get());
        f.committed(
            commit(run, 1, 0)
                .events([event("x", EventKind::CancelRequested)])
                .release(rollback, None, seen),
        )
        .await?;
        for size in [1, 2] {
            let mail = (0..size).map(|n| signal(run, "s", n));
            let batch = Batch {
                mailbox_max: Some(MAX),
                ..mails(mail)
            };
            let outcome = f.write(batch).await?.mail;
            assert!(
                outcome.iter().all(|mail| *mail == MailOutcome::RollingBack),
                "{outcome:?}"
            );
        }
    }
    Ok(())
}

/// Each sends one signal and is gone: nobody but the database can count them.
pub(super) async fn senders_that_send_once_are_counted(f: Fixture) -> CaseResult {
    let run = f.start("a").await?;
    for client in 0..20 {
        let store = f.second().await?;
        let batch = bounded([signal(run, "s", 0)], WorkerId::of_client(client << 1), 7);
        let sent = store.commit(&batch).await;
        assert_eq!(sent.is_ok(), client < u64::from(MAX), "{client}");
    }
    assert_eq!(count(&f, run).await?, MAX as usize);
    Ok(())
}

pub(super) async fn signals_sent_at_once_pass_the_bound_by_their_number_at_the_most(
    f: Fixture,
) -> CaseResult {
    const SENDERS: usize = 4;
    let run = f.start("a").await?;
    let mut sending = tokio::task::JoinSet::new();
    for sender in 0..SENDERS {
        let store = f.second().await?;
        let worker = WorkerId::of_client((sender as u64) << 1);
        sending.spawn(async move {
            for number in 1..=10 {
                let sent = store
                    .commit(&bounded([signal(run, "s", 0)], worker, number))
                    .await;
                let is_answered = |e: &StoreError| e.kind() == StoreErrorKind::MailboxFull;
                assert!(sent.as_ref().err().is_none_or(is_answered), "{sent:?}");
            }
        });
    }
    sending.join_all().await;
    let sent = count(&f, run).await?;
    assert!(
        (MAX as usize..MAX as usize + SENDERS).contains(&sent),
        "{sent}"
    );
    assert!(fill(&f, run).await.is_err());
    Ok(())
}
