//! One culprit never stops a worker: what the database refuses, or does not take in time, is dealt with by
//! itself, and everything else goes on.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::Duration,
};

use durable::{
    Clock, ErrorKind, Status,
    journal::{EventKind, Payload, RunId, RunKey},
    prelude::*,
    store::{Batch, Hint, MailKind, MailTarget, NewMail, Store, StoreError, StoreErrorKind},
    testing::{BatchFault, FaultyStore, StoreCall},
};

use super::{
    lifecycle::Unheard,
    world::{Book, World},
};

/// What the database of a test does not take.
const POISON: &str = "poison";

pub(super) async fn engine(world: &World, store: FaultyStore) -> Engine {
    Engine::builder()
        .clock(world.clock.clone())
        .state(world.clock.clone())
        .state(world.book.clone())
        .state(Unheard)
        .start(store)
        .await
        .unwrap()
}

/// Two steps, of which the second gives the input back.
#[durable::workflow]
pub(super) async fn echo(ctx: &Ctx, text: String) -> durable::Result<String> {
    ctx.step("first", async |_| Ok::<_, String>(())).await?;
    let echoed = ctx
        .step("second", async |step| {
            step.state::<Book>().write(step.idempotency_key());
            Ok::<_, String>(text.to_uppercase())
        })
        .await?;
    Ok(echoed)
}

/// As many signals as it is told, in the order in which they come.
#[durable::workflow]
async fn collect(ctx: &Ctx, signals: u32) -> durable::Result<Vec<String>> {
    let mut all = Vec::new();
    for _ in 0..signals {
        all.push(ctx.signal::<String>("next").await?);
    }
    Ok(all)
}

fn refused() -> StoreError {
    StoreError::new(StoreErrorKind::Refused, "the database cannot hold it")
}

pub(super) fn timed_out() -> StoreError {
    StoreError::new(StoreErrorKind::Unavailable, "no answer").timed_out()
}

fn text_of(mail: &NewMail) -> &str {
    match &mail.kind {
        MailKind::Signal { payload, .. } => std::str::from_utf8(payload.as_bytes()).unwrap(),
        _ => "",
    }
}

/// Whether anything of a batch has this in it.
pub(super) fn holds(batch: &Batch, what: &str) -> bool {
    let outputs = batch.commits.iter().flat_map(|commit| &commit.events);
    let mut outputs = outputs.filter_map(|event| match &event.kind {
        EventKind::StepCompleted { output } => std::str::from_utf8(output.as_bytes()).ok(),
        _ => None,
    });
    let mut inputs = batch.starts.iter();
    outputs.any(|output| output.contains(what))
        || batch.mail.iter().any(|mail| text_of(mail).contains(what))
        || inputs
            .any(|new| std::str::from_utf8(new.input.as_bytes()).is_ok_and(|t| t.contains(what)))
}

/// Starts many runs at once, and expects the result of each.
async fn many_echo(engine: &Engine, runs: usize, all_but: Option<usize>) {
    let client = engine.client();
    let mut tasks = tokio::task::JoinSet::new();
    for n in 0..runs {
        let client = client.clone();
        tasks.spawn(async move {
            let run = client
                .start::<echo>(format!("run-{n}"), format!("v{n}"))
                .await;
            (n, run.unwrap().result().await)
        });
    }
    while let Some(done) = tasks.join_next().await {
        let (n, result) = done.unwrap();
        if Some(n) == all_but {
            assert_eq!(result.unwrap_err().kind(), ErrorKind::Parked);
        } else {
            assert_eq!(result.unwrap(), format!("V{n}"));
        }
    }
}

#[tokio::test]
async fn progress_that_is_refused_for_good_parks_its_run_and_no_other() {
    let world = World::default();
    let mended = Arc::new(AtomicBool::new(false));
    let is_mended = Arc::clone(&mended);
    let store = FaultyStore::new(world.store.clone()).with_rule(move |batch| {
        let refuses = !is_mended.load(Ordering::Acquire) && holds(batch, "\"V77\"");
        refuses.then(|| BatchFault::Before(refused()))
    });
    let first = engine(&world, store.clone()).await;
    many_echo(&first, 200, Some(77)).await;
    let status = first.client().status("run-77").await.unwrap();
    let reason = status.reason.unwrap();
    assert!(reason.contains("the database cannot hold it"), "{reason}");
    first.shutdown().await.unwrap();

    // What was not recorded is done again, under the same key; nobody else's.
    mended.store(true, Ordering::Release);
    let second = engine(&world, store).await;
    let run = second.client().attach::<echo>("run-77").await.unwrap();
    assert_eq!(run.result().await.unwrap(), "V77");
    let keys = world.book.lines();
    let of_culprit = keys.iter().filter(|key| key.contains("run-77"));
    assert_eq!((keys.len(), of_culprit.count()), (201, 2));
    second.shutdown().await.unwrap();
}

#[tokio::test]
async fn a_start_and_a_signal_that_are_refused_for_good_are_their_callers_errors() {
    let world = World::default();
    let store = FaultyStore::new(world.store.clone())
        .with_rule(|batch| holds(batch, POISON).then(|| BatchFault::Before(refused())));
    let engine = engine(&world, store).await;
    let client = engine.client();
    let (refused, ()) = tokio::join!(
        client.start::<echo>("culprit", POISON.to_owned()),
        many_echo(&engine, 100, None),
    );
    let error = refused.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Store);
    assert_eq!(error.store_kind(), Some(StoreErrorKind::Refused));
    assert_eq!(
        client.status("culprit").await.unwrap_err().kind(),
        ErrorKind::UnknownRun
    );

    let run = client.start::<collect>("collector", 40).await.unwrap();
    let sends = (0..41).map(|n| {
        let text = if n == 20 {
            POISON.to_owned()
        } else {
            n.to_string()
        };
        run.signal(collect::next, text)
    });
    let sent = futures(sends.collect()).await;
    for (n, sent) in sent.into_iter().enumerate() {
        assert_eq!(sent.is_err(), n == 20, "{n}: {sent:?}");
    }
    let wanted: Vec<_> = (0..41)
        .filter(|n| *n != 20)
        .map(|n| n.to_string())
        .collect();
    assert_eq!(run.result().await.unwrap(), wanted);
    engine.shutdown().await.unwrap();
}

/// A store that says that mailboxes are full, and not whose: the signal that has no room is found by halving.
#[tokio::test]
async fn a_full_mailbox_that_is_not_named_turns_nobody_elses_signals_away() {
    let world = World::default();
    let full = || StoreError::new(StoreErrorKind::MailboxFull, "a mailbox is full");
    let store = FaultyStore::new(world.store.clone())
        .with_rule(move |batch| holds(batch, POISON).then(|| BatchFault::Before(full())));
    let engine = engine(&world, store).await;
    let run = engine.client().start::<collect>("collector", 40).await;
    let run = run.unwrap();
    let sends = (0..41).map(|n| {
        let is_culprit = n == 20;
        run.signal(
            collect::next,
            if is_culprit {
                POISON.to_owned()
            } else {
                n.to_string()
            },
        )
    });
    let sent = futures(sends.collect()).await;
    for (n, sent) in sent.into_iter().enumerate() {
        let refused = sent.err().map(|error| error.kind());
        let expected = (n == 20).then_some(ErrorKind::MailboxFull);
        assert_eq!(refused, expected, "{n}");
    }
    let wanted = (0..41).filter(|n| *n != 20).map(|n| n.to_string());
    assert_eq!(run.result().await.unwrap(), wanted.collect::<Vec<_>>());
    engine.shutdown().await.unwrap();
}

/// Polls futures side by side, the first one first.
async fn futures<T, F: Future<Output = T>>(futures: Vec<F>) -> Vec<T> {
    let mut futures: Vec<_> = futures.into_iter().map(Box::pin).collect();
    let mut done: Vec<_> = futures.iter().map(|_| None).collect();
    std::future::poll_fn(|cx| {
        for (future, done) in futures.iter_mut().zip(&mut done) {
            if done.is_none()
                && let std::task::Poll::Ready(value) = future.as_mut().poll(cx)
            {
                *done = Some(value);
            }
        }
        match done.iter().all(Option::is_some) {
            true => std::task::Poll::Ready(()),
            false => std::task::Poll::Pending,
        }
    })
    .await;
    done.into_iter().flatten().collect()
}

/// Batches above a size time out. Whether they are written all the same is drawn from their number; some
/// are neither refused nor late, and only their replies are lost.
fn slow_line(world: &World, most: usize) -> FaultyStore {
    let calls = AtomicU32::new(0);
    FaultyStore::new(world.store.clone()).with_rule(move |batch| {
        let call = calls.fetch_add(1, Ordering::Relaxed);
        let size = batch.starts.len() + batch.mail.len() + batch.commits.len();
        let lost = || StoreError::new(StoreErrorKind::Unavailable, "the reply was lost");
        match (size > most, call % 5) {
            (true, 0 | 3) => Some(BatchFault::After(timed_out())),
            (true, _) => Some(BatchFault::Before(timed_out())),
            (false, 0) => Some(BatchFault::After(lost())),
            (false, _) => None,
        }
    })
}

#[tokio::test]
async fn batches_that_take_too_long_are_sent_in_parts_and_nothing_is_lost_or_doubled() {
    for most in [1, 2, 7, 60] {
        let world = World::default();
        let store = slow_line(&world, most);
        let engine = engine(&world, store).await;
        let client = engine.client();
        let mut runs = Vec::new();
        for n in 0..3 {
            let id = format!("collector-{n}");
            runs.push(client.start::<collect>(id, 50).await.unwrap());
        }
        let sends = (0..150).map(|n| runs[n % 3].signal(collect::next, (n / 3).to_string()));
        let (sent, ()) = tokio::join!(futures(sends.collect()), many_echo(&engine, 60, None));
        assert!(sent.iter().all(Result::is_ok), "{most}: {sent:?}");
        let wanted: Vec<_> = (0..50).map(|n| n.to_string()).collect();
        for run in runs {
            assert_eq!(run.result().await.unwrap(), wanted, "{most}");
        }
        let keys = world.book.lines();
        assert_eq!(keys.len(), 60, "{most}: {keys:?}");
        engine.shutdown().await.unwrap();
    }
}

#[tokio::test]
async fn what_is_locked_waits_alone_and_keeps_its_order() {
    let world = World::default();
    let locked = Arc::new(AtomicBool::new(true));
    let is_locked = Arc::clone(&locked);
    let store = FaultyStore::new(world.store.clone()).with_rule(move |batch| {
        let (run, id) = (RunKey::new(1), RunId::from_recorded("locked"));
        let mut mail = batch.mail.iter();
        let is_for = mail.any(|mail| mail.to == MailTarget::Id(id.clone()));
        let error = StoreError::new(StoreErrorKind::Locked, "somebody holds a row");
        (is_for && is_locked.load(Ordering::Acquire))
            .then(|| BatchFault::Before(error.with_locked([(run, id)])))
    });
    let engine = engine(&world, store).await;
    let client = engine.client();
    let run = client.start::<collect>("locked", 30).await.unwrap();
    let other = client.start::<collect>("other", 30).await.unwrap();
    run.reaches(Status::Suspended).await.unwrap();
    let to_locked = (0..30).map(|n| run.signal(collect::next, n.to_string()));
    let to_other = (0..30).map(|n| other.signal(collect::next, n.to_string()));
    let wanted: Vec<_> = (0..30).map(|n| n.to_string()).collect();
    let others = async {
        for sent in futures(to_other.collect()).await {
            sent.unwrap();
        }
        assert_eq!(other.result().await.unwrap(), wanted);
        many_echo(&engine, 50, None).await;
        locked.store(false, Ordering::Release);
    };
    let (sent, ()) = tokio::join!(futures(to_locked.collect()), others);
    assert!(sent.iter().all(Result::is_ok), "{sent:?}");
    assert_eq!(run.result().await.unwrap(), wanted);
    engine.shutdown().await.unwrap();
}

#[tokio::test]
async fn a_database_that_refuses_everything_parks_nothing() {
    let world = World::default();
    let broken = Arc::new(AtomicBool::new(false));
    let is_broken = Arc::clone(&broken);
    let store = FaultyStore::new(world.store.clone()).with_rule(move |batch| {
        let refuses = is_broken.load(Ordering::Acquire) && !batch.commits.is_empty();
        refuses.then(|| BatchFault::Before(refused()))
    });
    let first = engine(&world, store.clone()).await;
    let client = first.client();
    let run = client.start::<collect>("run", 1).await.unwrap();
    run.reaches(Status::Suspended).await.unwrap();
    broken.store(true, Ordering::Release);
    run.signal(collect::next, "x".to_owned()).await.unwrap();
    world.clock.advance(Duration::from_secs(30)).await;
    let record = world.store.find(run.id()).await.unwrap().unwrap();
    assert_ne!(record.status, Status::Parked);
    broken.store(false, Ordering::Release);
    // Parked by now, and revived by whoever starts next.
    world.clock.advance(Duration::from_secs(120)).await;
    first.shutdown().await.unwrap();
    let second = engine(&world, store).await;
    let run = second.client().attach::<collect>("run").await.unwrap();
    assert_eq!(run.result().await.unwrap(), ["x"]);
    second.shutdown().await.unwrap();
}

/// Another process sends to all runs here, and says so far more often than this one can look.
#[tokio::test]
async fn a_flood_of_hints_keeps_no_request_waiting() {
    const RUNS: i64 = 200;
    let world = World::default();
    let hints = Arc::new(AtomicU32::new(0));
    let count = Arc::clone(&hints);
    let store = FaultyStore::new(world.store.clone()).with_hints(move || {
        count.fetch_add(1, Ordering::AcqRel);
        Hint {
            mail: (0..4_000).map(|n| RunKey::new(1 + n % RUNS)).collect(),
            ..Hint::default()
        }
    });
    let engine = engine(&world, store.clone()).await;
    let client = engine.client();
    let mut runs = Vec::new();
    for n in 0..RUNS {
        let id = format!("collector-{n}");
        runs.push(client.start::<collect>(id, 2).await.unwrap());
    }
    many_echo(&engine, 100, None).await;
    // What others have sent is found, and what is sent here comes behind it.
    let mail = runs.iter().map(|run| NewMail {
        to: MailTarget::Id(run.id().clone()),
        kind: MailKind::Signal {
            name: "next".to_owned(),
            payload: Payload::from_bytes(*b"\"theirs\""),
        },
        at: world.clock.now(),
    });
    let batch = Batch {
        mail: mail.collect(),
        ..Batch::default()
    };
    world.store.commit(&batch).await.unwrap();
    for run in &runs {
        run.signal(collect::next, "ours".to_owned()).await.unwrap();
    }
    for run in runs {
        assert_eq!(run.result().await.unwrap(), ["theirs", "ours"]);
    }
    // However much a hint says, the mailboxes are read once before requests have their turn.
    let (reads, hints) = (
        store.calls(StoreCall::Mailbox),
        u64::from(hints.load(Ordering::Acquire)),
    );
    let served = store.calls(StoreCall::Commit);
    assert!(reads <= hints + served, "{reads} reads for {hints} hints");
    assert!(
        hints <= 20 * served,
        "{served} batches beside {hints} hints"
    );
    engine.shutdown().await.unwrap();
}
