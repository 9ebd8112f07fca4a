//! What is asked has its effect once, whatever becomes of the calls to the database.

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, SystemTime},
};

use durable::{
    Clock, ErrorKind, Result, Status,
    journal::Timestamp,
    store::{Batch, MailKind, MemoryStore, StoreError, StoreErrorKind},
    testing::{BatchFault, Fault, FaultyStore, StoreCall},
};
use durable_tests::soon;

use super::world::{World, assert_no_work, knowing_nothing, letters, on_each, post};

on_each!(
    a_lost_reply_repeats_no_start_and_no_signal,
    many_lost_replies_lose_and_double_nothing,
    a_repeated_batch_that_fails_otherwise_doubles_nothing,
);

async fn a_lost_reply_repeats_no_start_and_no_signal(world: World) -> Result<()> {
    // A start, two signals and a cancellation: each is written and not answered, and each second try
    // fails before it is made.
    let (client, store) = world
        .faulty(|store| {
            (0..4).fold(store, |store, n| {
                store
                    .with_fault(StoreCall::Commit, 3 * n + 1, Fault::After)
                    .with_fault(StoreCall::Commit, 3 * n + 2, Fault::Before)
            })
        })
        .await?;
    let run = client.start::<letters>("l", 3).await?;
    run.signal(letters::letter, 1).await?;
    run.signal(letters::letter, 2).await?;
    assert_eq!(client.trouble(), None);
    let engine = world.engine().await?;
    soon(async {
        while client.status("l").await?.done < 2 {
            tokio::task::yield_now().await;
        }
        Ok::<_, durable::Error>(())
    })
    .await??;
    // What the first try has written may be at work, or done.
    let canceled = client.cancel("l").await.map_err(|error| error.kind());
    assert!(
        matches!(
            canceled,
            Ok(()) | Err(ErrorKind::RollingBack | ErrorKind::Ended)
        ),
        "{canceled:?}"
    );
    let error = soon(run.result()).await?.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Canceled);
    let received = client.history("l").await?;
    let received = received.iter().map(|event| event.kind.name());
    let received = received.filter(|name| *name == "signal_received").count();
    assert_eq!(received, 2);
    assert_eq!(client.list().next_page().await?.len(), 1);
    assert_eq!((store.faults(), store.calls(StoreCall::Commit)), (8, 12));
    assert_no_work(&store);
    engine.shutdown().await
}

async fn many_lost_replies_lose_and_double_nothing(world: World) -> Result<()> {
    const SIGNALS: u32 = 200;
    for seed in 0..3 {
        let (client, store) = world.faulty(|store| store.with_seed(seed, 3)).await?;
        let id = format!("l{seed}");
        let count = usize::try_from(SIGNALS)?;
        let run = client.start::<letters>(&id, count + 1).await?;
        let sent = (0..SIGNALS).map(|number| {
            let run = run.clone();
            tokio::spawn(async move { run.signal(letters::letter, number).await })
        });
        for sent in sent.collect::<Vec<_>>() {
            sent.await??;
        }
        // One at a time, each in a batch of its own.
        for number in SIGNALS..SIGNALS + 20 {
            let other = client.start_by_name("any", format!("{id}-{number}"), "1");
            other.await?;
        }
        run.signal(letters::letter, SIGNALS).await?;
        let engine = world.engine().await?;
        let received = soon(run.result()).await??;
        // Who asks first is heard first.
        assert_eq!(received, (0..=SIGNALS).collect::<Vec<_>>(), "seed {seed}");
        assert!(store.faults() > 0);
        engine.shutdown().await?;
    }
    Ok(())
}

/// The first try is written and its reply lost; the second is refused for another reason, so that the signal
/// goes into another batch.
async fn a_repeated_batch_that_fails_otherwise_doubles_nothing(world: World) -> Result<()> {
    let tries = AtomicU32::new(0);
    let is_signal = |batch: &Batch| {
        let mut mail = batch.mail.iter();
        mail.any(|mail| matches!(mail.kind, MailKind::Signal { .. }))
    };
    let (client, store) = world
        .faulty(|store| {
            store.with_rule(move |batch| {
                let error = |kind| StoreError::new(kind, "a test has it fail");
                match is_signal(batch).then(|| tries.fetch_add(1, Ordering::Relaxed)) {
                    Some(0) => Some(BatchFault::After(error(StoreErrorKind::Unavailable))),
                    Some(1) => Some(BatchFault::Before(error(StoreErrorKind::Internal))),
                    _ => None,
                }
            })
        })
        .await?;
    let run = client.start::<letters>("l", 2).await?;
    run.signal(letters::letter, 1).await?;
    run.signal(letters::letter, 2).await?;
    let engine = world.engine().await?;
    assert_eq!(soon(run.result()).await??, [1, 2]);
    assert_no_work(&store);
    engine.shutdown().await
}

/// One that the database refuses is told, and nobody waits for it.
#[tokio::test]
async fn one_culprit_stops_nobody_else() -> Result<()> {
    let store = FaultyStore::new(MemoryStore::new()).with_rule(|batch| {
        let mut starts = batch.starts.iter();
        let refused = || StoreError::new(StoreErrorKind::Refused, "not this one");
        let is_culprit = starts.any(|run| run.id.as_str() == "culprit");
        is_culprit.then(|| BatchFault::Before(refused()))
    });
    let client = knowing_nothing().on(store).await?;
    let starts = (0..20).map(|n| {
        let client = client.clone();
        let id = if n == 7 {
            "culprit".to_owned()
        } else {
            n.to_string()
        };
        tokio::spawn(async move { client.start_by_name("any", id, "1").await })
    });
    let mut refused = 0;
    for start in starts.collect::<Vec<_>>() {
        if let Err(error) = start.await? {
            assert_eq!(error.store_kind(), Some(StoreErrorKind::Refused), "{error}");
            refused += 1;
        }
    }
    assert_eq!((refused, client.list().next_page().await?.len()), (1, 19));
    Ok(())
}

/// A machine's clock that runs fast, so that nobody waits for pauses.
#[derive(Debug)]
struct Fast(SystemTime);

const SPEED: u32 = 1_000;

impl Clock for Fast {
    fn now(&self) -> Timestamp {
        let passed = self.0.elapsed().unwrap_or_default();
        Timestamp::from(self.0).after(passed * SPEED)
    }

    fn sleep_until(&self, at: Timestamp) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(async move { tokio::time::sleep(at.since(self.now()) / SPEED).await })
    }
}

/// Errors that do not pass by themselves are told after a few tries; a worker would wait until somebody
/// mends it.
#[tokio::test]
async fn who_may_not_write_is_told() -> Result<()> {
    let store = FaultyStore::new(MemoryStore::new()).with_rule(|_| {
        let error = StoreError::new(StoreErrorKind::ReadOnly, "nobody writes here");
        Some(BatchFault::Before(error))
    });
    let store = store.with_clock(Arc::new(Fast(SystemTime::now())));
    let client = knowing_nothing().on(store.clone()).await?;
    let error = soon(client.start_by_name("any", "p", "1")).await?;
    let error = error.unwrap_err();
    assert_eq!(
        error.store_kind(),
        Some(StoreErrorKind::ReadOnly),
        "{error}"
    );
    assert!(
        client
            .trouble()
            .is_some_and(|text| text.contains("nobody writes here"))
    );
    assert_eq!(store.calls(StoreCall::Commit), 4);
    Ok(())
}

/// A wait goes on through an outage, and says meanwhile that there is one.
#[tokio::test]
async fn a_wait_outlasts_an_outage() -> Result<()> {
    let world = World::memory().await?;
    let engine = world.engine().await?;
    let (client, store) = world
        .faulty(|store| {
            (2..6).fold(store, |s, n| {
                s.with_fault(StoreCall::Read, n, Fault::Before)
            })
        })
        .await?;
    let run = client.start::<post>("p", 7).await?;
    soon(run.reaches(Status::Suspended)).await??;
    run.signal(post::stamps, 1).await?;
    assert_eq!(soon(run.result()).await??, 7);
    assert_eq!(store.faults(), 4);
    engine.shutdown().await
}

/// A client's calls end in good time also where its own runtime has ended.
#[test]
fn a_client_outlives_the_runtime_that_it_was_made_on() -> Result<()> {
    let first = tokio::runtime::Runtime::new()?;
    let client = first.block_on(async { knowing_nothing().on(MemoryStore::new()).await })?;
    first.shutdown_timeout(Duration::from_secs(1));
    let second = tokio::runtime::Runtime::new()?;
    second.block_on(async {
        client.start_by_name("any", "p", "1").await?;
        assert_eq!(client.status("p").await?.status, Status::Pending);
        Ok(())
    })
}
