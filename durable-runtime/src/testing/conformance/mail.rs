//! Sending and consuming mail.

use super::{
    fixture::{
        CommitExt, Fixture, at, cancel, child_ended, commit, commits, completed, id, mail, mails,
        new_run, owned, signal, signal_kind,
    },
    run::CaseResult,
};
use crate::{
    journal::{MailId, RunKey, WorkerId},
    status::Status,
    store::{
        Batch, CommitOutcome, LoadedRun, MailKind, MailOutcome, MailTarget, NewMail, NewWorker,
    },
};

/// Mail by a run's id.
fn by_id(run: &str, kind: MailKind) -> NewMail {
    NewMail {
        to: MailTarget::Id(id(run)),
        ..mail(RunKey::new(0), kind)
    }
}

fn kinds(run: &LoadedRun) -> Vec<MailKind> {
    run.mail.iter().map(|mail| mail.kind.clone()).collect()
}

pub(super) async fn an_id_and_a_number_reach_the_same_run(f: Fixture) -> CaseResult {
    let run = f.start("a").await?;
    let other = f.start("b").await?;
    let first = f.deliver(signal(run, "s", 1)).await?;
    let second = f.deliver(by_id("a", signal_kind("s", 2))).await?;
    assert_eq!((first.run, second.run), (run, run));
    let claimed = f.claim(at(0)).await?;
    let mail_of = |key| claimed.iter().find(|loaded| loaded.run == key).map(kinds);
    let both = vec![signal_kind("s", 1), signal_kind("s", 2)];
    assert_eq!(mail_of(run), Some(both));
    assert_eq!(mail_of(other), Some(Vec::new()));
    Ok(())
}

pub(super) async fn mail_for_nobody_is_reported(f: Fixture) -> CaseResult {
    f.start("a").await?;
    let batch = mails([
        signal(RunKey::new(999_999), "s", 1),
        by_id("a", MailKind::Cancel),
        by_id("nobody", MailKind::Cancel),
        by_id("", MailKind::Cancel),
    ]);
    let outcome = f.write(batch).await?;
    assert_eq!(outcome.mail[0], MailOutcome::UnknownRun);
    assert!(matches!(outcome.mail[1], MailOutcome::Delivered(_)));
    assert_eq!(
        outcome.mail[2..],
        [MailOutcome::UnknownRun, MailOutcome::UnknownRun]
    );
    Ok(())
}

pub(super) async fn mail_for_an_ended_run_is_refused(f: Fixture) -> CaseResult {
    for status in [Status::Completed, Status::Failed, Status::Canceled] {
        let run = f.start_owned(status.as_str()).await?;
        f.committed(commit(run, 1, 0).ends(status)).await?;
        let kinds = [MailKind::Cancel, signal_kind("s", 1)];
        for kind in kinds {
            assert_eq!(f.send(mail(run, kind)).await?, MailOutcome::Ended(status));
        }
        let late = child_ended(run, "child", Ok(1));
        assert_eq!(f.send(late).await?, MailOutcome::Ended(status));
    }
    assert!(f.claim(at(1_000)).await?.is_empty());
    Ok(())
}

pub(super) async fn a_run_that_is_rolled_back_takes_nothing_that_would_have_no_effect(
    f: Fixture,
) -> CaseResult {
    let run = f.start_owned("a").await?;
    let other = f.start_owned("b").await?;
    let rolls_back = commit(run, 1, 0).events([completed("x", 1)]);
    f.committed(rolls_back.keep(Status::Compensating)).await?;
    let refused = [MailKind::Cancel, signal_kind("s", 1)];
    let taken = [MailKind::AbandonRollback, child_ended(run, "c", Ok(1)).kind];
    // Alone, and in a batch.
    for kind in &refused {
        let outcome = f.send(mail(run, kind.clone())).await?;
        assert_eq!(outcome, MailOutcome::RollingBack);
    }
    for kind in &taken {
        f.deliver(mail(run, kind.clone())).await?;
    }
    let all = refused
        .iter()
        .chain(&taken)
        .map(|kind| mail(run, kind.clone()));
    let outcome = f.write(mails(all.chain([signal(other, "s", 1)]))).await?;
    assert_eq!(
        outcome.mail[..2],
        [MailOutcome::RollingBack, MailOutcome::RollingBack]
    );
    for outcome in &outcome.mail[2..] {
        assert!(matches!(outcome, MailOutcome::Delivered(_)), "{outcome:?}");
    }
    assert_eq!(f.mailbox(run).await?, [taken.clone(), taken].concat());
    // A parent's word to a child that is rolled back has nothing to change.
    let tells = commit(other, 1, 0).events([completed("x", 1)]);
    let written = f.committed(tells.sends([cancel(run)])).await?;
    assert_eq!(written.outgoing, [None]);
    // So does the batch that rolls it back.
    let third = f.start_owned("c").await?;
    let rolls_back = commit(third, 1, 0).events([completed("x", 1)]);
    let tells = commit(other, 1, 1).events([completed("y", 1)]);
    let batch = commits([
        rolls_back.keep(Status::Compensating),
        tells.sends([cancel(third)]),
    ]);
    let outcome = f.write(batch).await?;
    let CommitOutcome::Committed { outgoing, .. } = &outcome.commits[1] else {
        return Err(format!("{outcome:?}").into());
    };
    assert_eq!(outgoing[..], [None]);
    Ok(())
}

pub(super) async fn mailboxes_are_read_together_and_only_what_is_new(f: Fixture) -> CaseResult {
    let (a, b, c) = (
        f.start("a").await?,
        f.start("b").await?,
        f.start("c").await?,
    );
    let mut numbers = Vec::new();
    for (run, value) in [(a, 0), (b, 1), (a, 2), (b, 3), (a, 4)] {
        numbers.push(f.post(signal(run, "s", value)).await?);
    }
    let none = MailId::new(0);
    let read = async |runs: &[(RunKey, MailId)], limit| {
        let found = f.store().mailboxes(runs, limit).await?;
        let found = found.into_iter().map(|(run, mail)| Ok((run, mail?.id)));
        found.collect::<Result<Vec<_>, crate::store::StoreError>>()
    };
    let all = [(b, numbers[1]), (b, numbers[3]), (a, numbers[0])];
    let runs = [(b, none), (c, none), (a, none)];
    assert_eq!(read(&runs, 3).await?, all);
    let rest = [(a, numbers[2]), (a, numbers[4])];
    assert_eq!(read(&[(b, numbers[3]), (a, numbers[0])], 9).await?, rest);
    assert_eq!(read(&[(a, numbers[4])], 9).await?, []);
    assert_eq!(read(&[(RunKey::new(999_999), none)], 9).await?, []);
    Ok(())
}

pub(super) async fn mail_keeps_its_order_within_a_batch_and_across(f: Fixture) -> CaseResult {
    let a = f.start("a").await?;
    let b = f.start("b").await?;
    for batch in 0..4 {
        let pieces = (0..25).map(|n| signal(if n % 3 == 0 { b } else { a }, "s", batch * 25 + n));
        f.write(mails(pieces)).await?;
    }
    for run in f.claim(at(0)).await? {
        let values: Vec<u32> = (0..100)
            .filter(|n| (n % 25 % 3 == 0) == (run.run == b))
            .collect();
        let wanted: Vec<MailKind> = values.iter().map(|n| signal_kind("s", *n)).collect();
        assert_eq!(kinds(&run), wanted);
    }
    Ok(())
}

pub(super) async fn numbers_grow_at_one_run(f: Fixture) -> CaseResult {
    let run = f.start("a").await?;
    let mut last = MailId::new(0);
    for n in 0..6 {
        let outcome = f
            .write(mails([signal(run, "s", n), signal(run, "t", n)]))
            .await?;
        for outcome in outcome.mail {
            let MailOutcome::Delivered(delivery) = outcome else {
                return Err(format!("{outcome:?}").into());
            };
            let mail = delivery.mail.ok_or("mail has no number")?;
            assert!(mail > last, "{mail:?} after {last:?}");
            last = mail;
        }
    }
    let loaded = f.claim_one(at(0)).await?;
    assert_eq!(loaded.mail.last().map(|mail| mail.id), Some(last));
    // Also after the mailbox was emptied.
    let consumed = loaded.mail.iter().map(|mail| mail.id);
    f.committed(
        commit(run, 1, 0)
            .events([completed("x", 1)])
            .consumes(consumed),
    )
    .await?;
    assert!(f.post(signal(run, "s", 9)).await? > last);
    Ok(())
}

pub(super) async fn mail_for_an_owned_run_says_so(f: Fixture) -> CaseResult {
    let run = f.start_owned("a").await?;
    assert!(f.deliver(signal(run, "s", 1)).await?.owned);
    assert!(f.deliver(cancel(run)).await?.owned);
    let claimed = f.claimed(at(1_000), 10).await?;
    assert!(claimed.runs.is_empty() && claimed.next_due.is_none());
    Ok(())
}

pub(super) async fn mail_makes_a_waiting_run_due_at_once(f: Fixture) -> CaseResult {
    let pieces = |run| {
        [
            signal(run, "s", 1),
            cancel(run),
            child_ended(run, "c", Ok(1)),
        ]
    };
    for n in 0..3 {
        let run = f.waiting(&n.to_string(), Some(at(900))).await?;
        assert!(f.claim(at(10)).await?.is_empty());
        let [a, b, c] = pieces(run);
        let piece = [a, b, c].into_iter().nth(n).ok_or("three pieces")?;
        assert!(!f.deliver(piece).await?.owned);
        assert_eq!(f.claim_one(at(10)).await?.run, run);
    }
    Ok(())
}

pub(super) async fn mail_for_a_pending_run_waits_for_its_first_claim(f: Fixture) -> CaseResult {
    let run = f.start("a").await?;
    assert!(!f.deliver(signal(run, "s", 1)).await?.owned);
    assert_eq!(f.status(run).await?, Status::Pending);
    let loaded = f.claim_one(at(0)).await?;
    assert_eq!(kinds(&loaded), [signal_kind("s", 1)]);
    Ok(())
}

pub(super) async fn mail_reaches_a_run_of_the_same_batch(f: Fixture) -> CaseResult {
    let batch = Batch {
        id: None,
        starts: vec![new_run("free"), owned("owned", f.worker)],
        mail: vec![
            by_id("owned", MailKind::Cancel),
            by_id("free", signal_kind("s", 1)),
        ],
        commits: Vec::new(),
        ..Batch::default()
    };
    let outcome = f.write(batch).await?;
    let owned: Vec<bool> = outcome
        .mail
        .iter()
        .filter_map(|mail| match mail {
            MailOutcome::Delivered(delivery) => Some(delivery.owned),
            _ => None,
        })
        .collect();
    assert_eq!(owned, [true, false]);
    assert_eq!(kinds(&f.claim_one(at(0)).await?), [signal_kind("s", 1)]);
    Ok(())
}

pub(super) async fn every_kind_of_mail_is_loaded_as_it_was_sent(f: Fixture) -> CaseResult {
    let run = f.start("a").await?;
    let pieces = [
        signal(run, "approval", 7),
        child_ended(run, "good", Ok(3)),
        child_ended(run, "bad", Err("no luck")),
        cancel(run),
    ];
    f.write(mails(pieces.clone())).await?;
    let loaded = f.claim_one(at(0)).await?;
    let sent: Vec<MailKind> = pieces.into_iter().map(|mail| mail.kind).collect();
    assert_eq!(kinds(&loaded), sent);
    Ok(())
}

pub(super) async fn consumed_mail_is_gone_and_the_rest_stays(f: Fixture) -> CaseResult {
    let run = f.start("a").await?;
    f.write(mails((0..4).map(|n| signal(run, "s", n)))).await?;
    let loaded = f.claim_one(at(0)).await?;
    let taken = [loaded.mail[0].id, loaded.mail[2].id];
    let taking = commit(run, 1, 0)
        .events([completed("x", 1)])
        .consumes(taken);
    f.committed(taking.release(Status::Suspended, Some(at(3)), 0))
        .await?;
    let loaded = f.claim_one(at(3)).await?;
    assert_eq!(kinds(&loaded), [signal_kind("s", 1), signal_kind("s", 3)]);
    Ok(())
}

pub(super) async fn mail_that_is_not_consumed_is_loaded_again(f: Fixture) -> CaseResult {
    let run = f.start("a").await?;
    let sent = f.post(signal(run, "s", 1)).await?;
    for epoch in 1..4 {
        let loaded = f.claim_one(at(0)).await?;
        assert_eq!(
            loaded.mail.iter().map(|mail| mail.id).collect::<Vec<_>>(),
            [sent]
        );
        let seen = sent.get();
        f.committed(commit(run, epoch, 0).release(Status::Suspended, Some(at(0)), seen))
            .await?;
    }
    Ok(())
}

pub(super) async fn mail_of_another_run_cannot_be_consumed(f: Fixture) -> CaseResult {
    let mine = f.start_owned("mine").await?;
    let other = f.start("other").await?;
    let sent = f.post(signal(other, "s", 1)).await?;
    let taking = commit(mine, 1, 0).events([completed("x", 1)]);
    f.committed(taking.consumes([sent, MailId::new(999_999)]))
        .await?;
    assert_eq!(kinds(&f.claim_one(at(0)).await?), [signal_kind("s", 1)]);
    Ok(())
}

pub(super) async fn mail_sent_again_after_it_was_consumed_is_new(f: Fixture) -> CaseResult {
    let run = f.start_owned("a").await?;
    let first = f.post(signal(run, "s", 1)).await?;
    f.committed(
        commit(run, 1, 0)
            .events([completed("x", 1)])
            .consumes([first]),
    )
    .await?;
    let second = f.post(signal(run, "s", 1)).await?;
    assert!(second > first);
    f.committed(commit(run, 1, 1).release(Status::Suspended, None, first.get()))
        .await?;
    let loaded = f.claim_one(at(0)).await?;
    assert_eq!(loaded.mail.len(), 1);
    Ok(())
}

pub(super) async fn unread_mail_is_told_to_its_owner(f: Fixture) -> CaseResult {
    let other = f.store().register_worker(NewWorker::until(at(60))).await?;
    let theirs = f.start_run(owned("theirs", other)).await?;
    let free = f.start("free").await?;
    let (mine, read) = (f.start_owned("mine").await?, f.start_owned("read").await?);
    f.start_owned("silent").await?;
    for run in [theirs, free, mine, mine] {
        f.deliver(signal(run, "s", 1)).await?;
    }
    let consumed = f.post(signal(read, "s", 1)).await?;
    let reading = commit(read, 1, 0).events([completed("x", 1)]);
    f.committed(reading.consumes([consumed])).await?;
    assert_eq!(f.store().unread(f.worker).await?, [mine]);
    assert_eq!(f.store().unread(other).await?, [theirs]);
    assert!(f.store().unread(WorkerId::new(999_999)).await?.is_empty());
    Ok(())
}
