//! Clients, which send batches under numbers of their own and are registered nowhere.

use super::{
    fixture::{Fallible, Fixture, at, cancel, mails, new_run, signal, starts},
    run::CaseResult,
};
use crate::{
    journal::{MailId, RunKey, Timestamp, WorkerId},
    status::Status,
    store::{Batch, BatchId, BatchOutcome, StartOutcome},
};

const CLIENT: WorkerId = WorkerId::new(-5);
const OTHER: WorkerId = WorkerId::new(i64::MIN);
const DAY: u64 = 24 * 3_600;

/// A client's batch, numbered by the time.
fn sent(by: WorkerId, time: Timestamp, batch: Batch) -> Batch {
    Batch {
        id: Some(BatchId {
            worker: by,
            number: time.as_micros(),
        }),
        ..batch
    }
}

/// The numbers of the mail that was written.
fn numbers(outcome: BatchOutcome) -> Vec<MailId> {
    let mail = outcome.mail.into_iter();
    mail.filter_map(|mail| mail.delivery()?.mail).collect()
}

async fn waiting(f: &Fixture, run: RunKey) -> Fallible<usize> {
    Ok(f.mailbox(run).await?.len())
}

pub(super) async fn what_a_client_starts_is_due_at_once_for_any_worker(f: Fixture) -> CaseResult {
    let batch = || sent(CLIENT, at(0), starts([new_run("a"), new_run("b")]));
    let first = f.write(batch()).await?.starts;
    assert!(matches!(
        first[..],
        [StartOutcome::Created { .. }, StartOutcome::Created { .. }]
    ));
    // Sent again, also in a batch of its own.
    assert_eq!(f.write(batch()).await?.starts, first);
    let alone = sent(CLIENT, at(1), starts([new_run("a")]));
    assert_eq!(f.write(alone).await?.starts, first[..1]);
    let claimed = f.claim(at(0)).await?;
    let ids: Vec<_> = claimed.iter().map(|run| run.id.as_str()).collect();
    assert_eq!(ids, ["a", "b"]);
    Ok(())
}

pub(super) async fn what_a_client_sends_reaches_its_run(f: Fixture) -> CaseResult {
    let owned = f.start_owned("owned").await?;
    let resting = f.waiting("resting", None).await?;
    for (second, mail) in [(1, vec![owned]), (2, vec![resting, owned, resting])] {
        let mail = mail.into_iter().map(|run| signal(run, "s", 1));
        let outcome = f.write(sent(CLIENT, at(second), mails(mail))).await?;
        for mail in outcome.mail {
            let delivery = mail.delivery().ok_or("it was not delivered")?;
            assert!(delivery.mail.is_some());
            assert_eq!(delivery.owned, delivery.run == owned);
        }
    }
    assert_eq!(
        (waiting(&f, owned).await?, waiting(&f, resting).await?),
        (2, 2)
    );
    let woken = f.claim_one(at(2)).await?;
    assert_eq!((woken.run, woken.status), (resting, Status::Suspended));
    Ok(())
}

pub(super) async fn mail_of_a_client_is_written_once(f: Fixture) -> CaseResult {
    let run = f.start_owned("a").await?;
    let one = || sent(CLIENT, at(1), mails([signal(run, "s", 1)]));
    let many = || sent(CLIENT, at(2), mails([signal(run, "s", 2), cancel(run)]));
    let mixed = || Batch {
        starts: vec![new_run("b")],
        ..sent(
            CLIENT,
            at(3),
            mails([signal(run, "s", 3), signal(run, "s", 4)]),
        )
    };
    for (batch, mail, in_all) in [(one(), 1, 1), (many(), 2, 3), (mixed(), 2, 5)] {
        assert_eq!(numbers(f.write(batch).await?).len(), mail);
        assert_eq!(waiting(&f, run).await?, in_all);
    }
    let again = f.write(mixed()).await?;
    assert!(matches!(again.starts[..], [StartOutcome::Created { .. }]));
    assert!(
        again
            .mail
            .iter()
            .all(|mail| mail.clone().delivery().is_some())
    );
    assert!(numbers(again).is_empty());
    assert_eq!(waiting(&f, run).await?, 5);
    Ok(())
}

pub(super) async fn mail_of_a_client_is_settled(f: Fixture) -> CaseResult {
    let run = f.start_owned("a").await?;
    let batch = |second| {
        sent(
            CLIENT,
            at(second),
            mails([signal(run, "s", 1), signal(run, "t", 2)]),
        )
    };
    let id = |second: u64| BatchId {
        worker: CLIENT,
        number: at(second).as_micros(),
    };
    f.write(batch(1)).await?;
    assert!(f.store().settle(id(1)).await?);
    assert!(!f.store().settle(id(2)).await?);
    // It was on its way, and comes too late.
    assert!(numbers(f.write(batch(2)).await?).is_empty());
    assert_eq!(numbers(f.write(batch(3)).await?).len(), 2);
    assert_eq!(waiting(&f, run).await?, 4);
    Ok(())
}

pub(super) async fn an_old_batch_of_a_client_writes_nothing(f: Fixture) -> CaseResult {
    let run = f.start_owned("a").await?;
    let batch = |second| Batch {
        starts: vec![new_run("b")],
        ..sent(
            CLIENT,
            at(second),
            mails([signal(run, "s", 1), signal(run, "t", 2)]),
        )
    };
    f.write(batch(9)).await?;
    let late = f.write(batch(3)).await?;
    assert!(numbers(late).is_empty());
    assert_eq!(waiting(&f, run).await?, 2);
    Ok(())
}

pub(super) async fn clients_do_not_stand_in_for_each_other(f: Fixture) -> CaseResult {
    let run = f.start_owned("a").await?;
    for by in [CLIENT, OTHER, f.worker] {
        let batch = sent(by, at(1), mails([signal(run, "s", 1)]));
        assert_eq!(numbers(f.write(batch).await?).len(), 1, "{by:?}");
    }
    assert_eq!(waiting(&f, run).await?, 3);
    // Nobody takes a client for a worker: there is nothing of its to be freed.
    assert_eq!(f.store().reap(at(30)).await?, 0);
    assert_eq!(f.status(run).await?, Status::Running);
    Ok(())
}

pub(super) async fn what_a_client_sent_last_is_remembered_for_days(f: Fixture) -> CaseResult {
    let run = f.start("a").await?;
    let by = |client, days| sent(client, at(days * DAY), mails([signal(run, "s", 1)]));
    f.write(by(CLIENT, 1)).await?;
    f.write(by(OTHER, 1)).await?;
    // Somebody has tidied up meanwhile, and seen that it is registered nowhere.
    f.store().reap(at(2 * DAY)).await?;
    f.write(by(CLIENT, 8)).await?;
    for days in [8, 10, 14] {
        f.store().reap(at(days * DAY)).await?;
        assert!(
            numbers(f.write(by(CLIENT, 8)).await?).is_empty(),
            "day {days}"
        );
    }
    assert_eq!(waiting(&f, run).await?, 3);
    Ok(())
}
