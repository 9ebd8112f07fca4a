//! A standby takes over that has not heard of what was acknowledged last, under a worker that goes on.

use std::{sync::Arc, time::Duration};

use durable::{
    Client, Clock, ErrorKind, Run, Status,
    journal::{Payload, RunId, RunKey, Timestamp},
    prelude::*,
    store::{Batch, MailKind, MailTarget, NewMail, Store},
    testing::{Fault, FaultyStore, StoreCall},
};
use durable_tests::{
    program::Op,
    replica::Replicated,
    simulation::{Case, Simulation, faults},
    soon,
};
use tokio::sync::Notify;

use crate::door::{Door, builder};

fn step(name: u8, failures: u32) -> Op {
    Op::Step {
        name,
        failures,
        yields: 1,
        compensated: true,
    }
}

/// Bodies with steps, retries, sleeps that leave memory and that stay, children, mail and rollbacks.
fn cases() -> Vec<Case> {
    let short = Op::Sleep {
        name: 0,
        millis: 50,
    };
    let long = Op::Sleep {
        name: 1,
        millis: 9_000_000,
    };
    let saga = vec![
        step(0, 0),
        Op::Join(vec![step(1, 1), step(2, 0), short.clone()]),
        long.clone(),
    ];
    let mut undone = saga.clone();
    undone.extend([short.clone(), step(3, 9)]);
    let parent = vec![
        step(0, 0),
        Op::Race(vec![
            Op::Child {
                body: undone.clone(),
            },
            long,
        ]),
        Op::Child { body: saga.clone() },
        Op::Child {
            body: vec![short, step(4, 0)],
        },
    ];
    let signaled = vec![
        step(0, 0),
        Op::Signal { name: 0 },
        Op::Child { body: saga.clone() },
    ];
    let signaled = Case {
        signals: vec![(0, 7)],
        ..Case::from(signaled)
    };
    let canceled = Case {
        cancel_after: Some(Duration::from_secs(1)),
        ..Case::from(parent.clone())
    };
    vec![
        saga.into(),
        undone.into(),
        parent.into(),
        signaled,
        canceled,
    ]
}

/// Runs a case on a pair of stores. `false` when it ended before the failover.
async fn run(case: &Case, store: Replicated) -> bool {
    let mut simulation = Simulation::default();
    let now = simulation.clock.now();
    let batch = Batch {
        starts: vec![case.new_run(now)],
        mail: case.mail(now).collect(),
        ..Batch::default()
    };
    store.commit(&batch).await.unwrap();
    let engine = simulation.engine(store.clone()).await.unwrap();
    simulation.store = store.standby.clone();
    let finished = soon(simulation.finish(&engine, case)).await;
    match finished.unwrap_or_else(|hang| panic!("{case:?}: {store}: {hang}")) {
        // The caller asked while the primary was going.
        Err(error) if error.kind() == ErrorKind::Store => {
            let finished = soon(simulation.finish(&engine, case)).await;
            let finished = finished.unwrap_or_else(|hang| panic!("{case:?}: {store}: {hang}"));
            finished.unwrap();
        }
        finished => finished.unwrap(),
    }
    soon(engine.shutdown()).await.unwrap().unwrap();
    let has_failed_over = store.has_failed_over();
    let journals = simulation.journals().await.unwrap();
    // What was forgotten was executed once more.
    let found = faults(&journals, &simulation.effects.counts(), 2);
    let found: Vec<_> = found
        .into_iter()
        .filter(|fault| !fault.contains("was executed"))
        .collect();
    if has_failed_over {
        assert_eq!(found, Vec::<String>::new(), "{case:?}: {store}");
    }
    has_failed_over
}

/// All of them stood still for ever on the live worker, though the database named it as their owner.
#[tokio::test]
async fn every_run_goes_on_whatever_a_failover_has_forgotten() {
    let mut failovers = 0;
    for case in cases() {
        for forgets in [1, 2, 5] {
            // The first commit is the case's own.
            for from in 2.. {
                if !run(&case, Replicated::lagging(from, forgets)).await {
                    break;
                }
                failovers += 1;
            }
        }
    }
    println!("{failovers} failovers");
    assert!(failovers > 100, "{failovers}");
}

#[durable::workflow]
async fn waits_for_word(ctx: &Ctx) -> durable::Result<u32> {
    Ok(ctx.signal::<u32>("word").await?)
}

/// Who waits for a run that the failover has forgotten is told, and does not wait for ever.
#[tokio::test]
async fn a_run_that_a_failover_forgot_is_a_typed_error_for_who_waits() {
    let clock = durable::testing::VirtualClock::new();
    // The start of the run is the first commit, what it waits for the second.
    let store = Replicated::lagging(1, 2);
    let builder = builder(&clock, &Door::default());
    let engine = builder.start(store.clone()).await.unwrap();
    let client = engine.client();
    let run = client.start::<waits_for_word>("run", ()).await.unwrap();
    run.reaches(Status::Suspended).await.unwrap();
    let waiting = tokio::spawn({
        let run = run.clone();
        async move { run.result().await }
    });
    // The primary goes when this is written.
    let other = client.start::<waits_for_word>("other", ()).await.unwrap();
    let error = soon(waiting).await.unwrap().unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::UnknownRun);
    let error = soon(run.reaches(Status::Completed)).await.unwrap();
    assert_eq!(error.unwrap_err().kind(), ErrorKind::UnknownRun);
    other.signal(waits_for_word::word, 1).await.unwrap();
    assert_eq!(soon(other.result()).await.unwrap().unwrap(), 1);
    engine.shutdown().await.unwrap();
}

/// Goes through the door, and says who it is.
#[durable::workflow]
async fn passes(ctx: &Ctx, name: String) -> durable::Result<String> {
    let door = ctx.state::<Door>();
    let passed = ctx.step("pass", async |_| {
        door.begin();
        door.pass().await;
        Ok::<_, String>(name.clone())
    });
    Ok(passed.await?)
}

async fn passer(client: &Client, name: &str) -> Run<passes> {
    client.start::<passes>(name, name.to_owned()).await.unwrap()
}

/// The numbers that a primary gave to runs which the standby has not heard of are given again, by the same
/// worker, while it still has the forgotten runs in memory.
#[tokio::test]
async fn a_run_writes_nothing_into_the_journal_of_another_that_got_its_number() {
    let clock = durable::testing::VirtualClock::new();
    let door = Door::default();
    // The start of the run that is forgotten; the next call finds nobody, and the one after it the standby.
    let replicated = Replicated::lagging(1, 1);
    let told = Arc::new(Notify::new());
    let store = FaultyStore::new(replicated.clone()).with_fault(
        StoreCall::Commit,
        3,
        Fault::Held(Arc::clone(&told)),
    );
    let engine = builder(&clock, &door).start(store.clone()).await.unwrap();
    let client = engine.client();
    let forgotten = passer(&client, "forgotten").await;
    let waiting = tokio::spawn({
        let forgotten = forgotten.clone();
        async move { forgotten.result().await }
    });
    door.until_begun(1).await;
    clock.advance(Duration::from_millis(1)).await;
    // The step of the forgotten run ends when the other one has the number, and the worker does not know.
    let ends = async {
        while store.calls(StoreCall::Commit) < 3 {
            tokio::task::yield_now().await;
        }
        door.open.notify_one();
        door.passed.notified().await;
        told.notify_one();
    };
    let (other, ()) = tokio::join!(passer(&client, "other"), ends);
    let number = async |id: &str| {
        let found = replicated.standby.find(&RunId::from_recorded(id)).await;
        found.unwrap().map(|run| run.run)
    };
    assert_eq!(number("other").await, Some(RunKey::new(1)));
    assert_eq!(number("forgotten").await, None);
    door.until_begun(2).await;
    door.open.notify_one();
    assert_eq!(soon(other.result()).await.unwrap().unwrap(), "other");
    let error = soon(waiting).await.unwrap().unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::UnknownRun, "{error}");
    engine.shutdown().await.unwrap();
}

/// Who waits for the forgotten one is not told how the other ends.
#[tokio::test]
async fn nobody_is_told_the_end_of_another_run_that_got_the_number() {
    let clock = durable::testing::VirtualClock::new();
    let door = Door::default();
    let engine = builder(&clock, &door);
    let engine = engine.start(Replicated::lagging(1, 1)).await.unwrap();
    let client = engine.client();
    let forgotten = passer(&client, "forgotten").await;
    clock.advance(Duration::from_millis(1)).await;
    let other = passer(&client, "other").await;
    // The other one is in memory under the number.
    door.until_begun(2).await;
    let error = soon(forgotten.result()).await.unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::UnknownRun, "{error}");
    door.open.notify_waiters();
    assert_eq!(soon(other.result()).await.unwrap().unwrap(), "other");
    engine.shutdown().await.unwrap();
}

/// Takes a word when it has gone through the door.
#[durable::workflow]
async fn passes_and_hears(ctx: &Ctx, _nothing: ()) -> durable::Result<String> {
    let door = ctx.state::<Door>();
    ctx.step("pass", async |_| {
        door.begin();
        door.pass().await;
        Ok::<_, String>(())
    })
    .await?;
    Ok(ctx.signal::<String>("word").await?)
}

fn word(to: &str, word: &str) -> Batch {
    let mail = NewMail {
        to: MailTarget::Id(RunId::from_recorded(to)),
        kind: MailKind::Signal {
            name: word.to_owned(),
            payload: Payload::from_bytes(*b"\"hello\""),
        },
        at: Timestamp::MIN,
    };
    Batch {
        mail: vec![mail],
        ..Batch::default()
    }
}

/// The numbers that mail gets after a failover are below those that a run in memory has read.
#[tokio::test]
async fn mail_that_comes_after_a_failover_is_read_whatever_its_number() {
    let clock = durable::testing::VirtualClock::new();
    let door = Door::default();
    // The standby has heard of the two starts, and of no mail.
    let store = Replicated::lagging(3, 3);
    let builder = builder(&clock, &door).linger(Duration::MAX);
    let engine = builder.start(store.clone()).await.unwrap();
    let client = engine.client();
    let run = client.start::<passes_and_hears>("run", ()).await.unwrap();
    passer(&client, "other").await;
    door.until_begun(2).await;
    // Another process writes; this one finds it when it renews its lease.
    for (to, name) in [("other", "noise"), ("other", "noise"), ("run", "noise")] {
        store.commit(&word(to, name)).await.unwrap();
    }
    clock.advance(Duration::from_secs(20)).await;
    assert!(store.commit(&word("run", "noise")).await.is_err());
    assert!(store.has_failed_over());
    clock.advance(Duration::from_secs(20)).await;
    store.commit(&word("run", "word")).await.unwrap();
    clock.advance(Duration::from_secs(20)).await;
    door.open.notify_waiters();
    assert_eq!(soon(run.result()).await.unwrap().unwrap(), "hello");
    assert_eq!(door.begun(), 2, "it has not left memory");
    engine.shutdown().await.unwrap();
}
