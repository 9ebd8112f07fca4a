//! When a virtual clock jumps, and when it does not.

use std::time::Duration;

use durable::{
    Clock, FailureKind,
    journal::{EventKind, Timestamp},
    prelude::*,
    store::MemoryStore,
    testing::VirtualClock,
};

use crate::door::{Door, builder, engine};

const HOUR: Duration = Duration::from_secs(3_600);
const PAUSE: Duration = Duration::from_secs(10);
const DAY: Duration = Duration::from_secs(86_400);

#[durable::workflow]
async fn sleeper(ctx: &Ctx, millis: u64) -> durable::Result<()> {
    ctx.sleep("nap", Duration::from_millis(millis)).await?;
    Ok(())
}

#[tokio::test]
async fn sleeps_end_at_their_time_in_order() {
    let clock = VirtualClock::new();
    let before = clock.now();
    let engine = engine(&clock).await;
    let mut runs = Vec::new();
    // Far and near, in a colourful order: some leave memory, and some do not.
    for (name, millis) in [
        ("far", 9_000_000),
        ("near", 2),
        ("second", 2_000),
        ("minute", 60_000),
    ] {
        runs.push((
            millis,
            engine
                .client()
                .start::<sleeper>(name, millis)
                .await
                .unwrap(),
        ));
    }
    runs.sort_by_key(|(millis, _)| *millis);
    for (millis, run) in runs {
        run.result().await.unwrap();
        assert_eq!(clock.now().since(before), Duration::from_millis(millis));
    }
    engine.shutdown().await.unwrap();
}

#[durable::workflow]
async fn patient(ctx: &Ctx, _input: ()) -> durable::Result<u32> {
    Ok(ctx.signal::<u32>("answer").timeout(HOUR).await?)
}

#[tokio::test]
async fn nothing_expires_before_a_result_is_awaited() {
    let clock = VirtualClock::new();
    let before = clock.now();
    let engine = engine(&clock).await;
    let run = engine.client().start::<patient>("run", ()).await.unwrap();
    run.reaches(durable::Status::Suspended).await.unwrap();
    assert_eq!(clock.now(), before);
    run.signal(patient::answer, 42).await.unwrap();
    assert_eq!(run.result().await.unwrap(), 42);
    assert_eq!(clock.now(), before);

    let late = engine.client().start::<patient>("late", ()).await.unwrap();
    let error = late.result().await.unwrap_err();
    assert_eq!(error.failure().unwrap().kind(), FailureKind::Timeout);
    assert_eq!(clock.now().since(before), HOUR);
    engine.shutdown().await.unwrap();
}

#[durable::workflow]
async fn worker(ctx: &Ctx, _input: ()) -> durable::Result<()> {
    let (work, nap) = durable::join!(
        ctx.step("work", async |step| {
            // Real work on other threads, which the clock cannot see.
            for _ in 0..200 {
                tokio::task::spawn_blocking(std::thread::yield_now).await?;
            }
            drop(step);
            Ok::<_, tokio::task::JoinError>(())
        }),
        ctx.sleep("nap", DAY),
    );
    work?;
    Ok(nap?)
}

#[tokio::test]
async fn time_stands_still_while_a_step_works() {
    let clock = VirtualClock::new();
    let before = clock.now();
    let engine = engine(&clock).await;
    let run = engine.client().start::<worker>("run", ()).await.unwrap();
    run.result().await.unwrap();
    assert_eq!(done_at(&engine, "run").await.since(before), Duration::ZERO);
    assert_eq!(clock.now().since(before), DAY);
    engine.shutdown().await.unwrap();
}

/// When the first step of a run completed.
async fn done_at(engine: &Engine, id: &str) -> Timestamp {
    let history = engine.client().history(id).await.unwrap();
    let done = |kind: &EventKind| matches!(kind, EventKind::StepCompleted { .. });
    history.iter().find(|event| done(&event.kind)).unwrap().at
}

#[durable::workflow]
async fn poller(ctx: &Ctx, _input: ()) -> durable::Result<u32> {
    let polls = ctx.step("poll", async |step| {
        let clock = step.state::<VirtualClock>();
        let mut polls = 0;
        while polls < 10 {
            clock.sleep(Duration::from_secs(7)).await;
            polls += 1;
        }
        Ok::<_, Failure>(polls)
    });
    Ok(polls.await?)
}

#[tokio::test]
async fn a_body_that_awaits_the_clock_is_jumped_over() {
    let clock = VirtualClock::new();
    let before = clock.now();
    let engine = engine(&clock).await;
    let run = engine.client().start::<poller>("run", ()).await.unwrap();
    assert_eq!(run.result().await.unwrap(), 10);
    assert_eq!(clock.now().since(before), Duration::from_secs(70));
    engine.shutdown().await.unwrap();
}

#[durable::workflow]
async fn hanging(ctx: &Ctx, on_clock: bool) -> durable::Result<u32> {
    let retry = Retry::linear().initial_delay(PAUSE).max_delay(PAUSE);
    let hung = ctx
        .step("hang", async |step| {
            if step.attempt() < 3 {
                match on_clock {
                    true => step.state::<VirtualClock>().sleep(Duration::MAX).await,
                    false => std::future::pending().await,
                }
            }
            Ok::<_, Failure>(step.attempt())
        })
        .timeout(Duration::from_secs(30))
        .retry(retry.jitter(0.0));
    Ok(hung.await?)
}

#[tokio::test]
async fn attempts_that_hang_on_the_clock_time_out_by_themselves() {
    let clock = VirtualClock::new();
    let before = clock.now();
    let engine = engine(&clock).await;
    let run = engine.client().start::<hanging>("run", true).await.unwrap();
    assert_eq!(run.result().await.unwrap(), 3);
    assert_eq!(
        clock.now().since(before),
        Duration::from_secs(2 * (30 + 10))
    );
    engine.shutdown().await.unwrap();
}

#[tokio::test]
async fn attempts_that_hang_elsewhere_time_out_when_time_is_moved() {
    let clock = VirtualClock::new();
    let before = clock.now();
    let engine = engine(&clock).await;
    let run = engine
        .client()
        .start::<hanging>("run", false)
        .await
        .unwrap();
    clock.advance(Duration::from_secs(2 * (30 + 10))).await;
    assert_eq!(run.result().await.unwrap(), 3);
    let done = done_at(&engine, "run").await;
    assert_eq!(done.since(before), Duration::from_secs(2 * (30 + 10)));
    engine.shutdown().await.unwrap();
}

#[durable::workflow]
async fn behind_a_door(ctx: &Ctx, _input: ()) -> durable::Result<()> {
    let (door, nap) = durable::join!(
        ctx.step("door", async |step| {
            step.state::<Door>().pass().await;
            Ok::<_, Failure>(())
        }),
        ctx.sleep("nap", HOUR),
    );
    door?;
    Ok(nap?)
}

#[tokio::test]
async fn time_that_is_moved_does_not_wait_for_step_bodies() {
    let clock = VirtualClock::new();
    let before = clock.now();
    let door = Door::default();
    let engine = builder(&clock, &door).open("memory:").await.unwrap();
    let client = engine.client();
    let run = client.start::<behind_a_door>("run", ()).await.unwrap();
    clock.advance(2 * HOUR).await;
    assert_eq!(clock.now().since(before), 2 * HOUR);
    let fired = client.history("run").await.unwrap();
    let fired = fired
        .iter()
        .find(|event| event.kind == EventKind::TimerFired);
    assert_eq!(fired.unwrap().at.since(before), HOUR);
    door.open.notify_one();
    run.result().await.unwrap();
    assert_eq!(done_at(&engine, "run").await.since(before), 2 * HOUR);
    engine.shutdown().await.unwrap();
}

#[tokio::test]
async fn a_dead_workers_runs_go_on_when_its_lease_has_run_out() {
    let clock = VirtualClock::new();
    let before = clock.now();
    let store = MemoryStore::new();
    let start = || {
        let builder = builder(&clock, &Door::default()).lease(Duration::from_secs(15));
        builder.start(store.clone())
    };
    let dead = start().await.unwrap();
    dead.client().start::<hanging>("run", false).await.unwrap();
    clock.advance(Duration::ZERO).await;
    drop(dead);

    let engine = start().await.unwrap();
    clock.advance(Duration::from_secs(14)).await;
    assert!(engine.client().history("run").await.unwrap().is_empty());
    clock.advance(Duration::from_secs(81 + 10)).await;
    let run = engine.client().attach::<hanging>("run").await.unwrap();
    assert_eq!(run.result().await.unwrap(), 3);
    // Taken over with the first heartbeat after the lease.
    let first = engine.client().history("run").await.unwrap()[0].at;
    assert_eq!(first.since(before), Duration::from_secs(20 + 30));
    engine.shutdown().await.unwrap();
}

#[tokio::test]
async fn engines_share_a_clock() {
    let clock = VirtualClock::new();
    let before = clock.now();
    let (one, two) = (engine(&clock).await, engine(&clock).await);
    let early = one.client().start::<sleeper>("early", 3_000).await.unwrap();
    let late = two.client().start::<sleeper>("late", 5_000).await.unwrap();
    late.result().await.unwrap();
    assert_eq!(clock.now().since(before), Duration::from_secs(5));
    early.result().await.unwrap();
    let ended = one.client().history("early").await.unwrap().pop().unwrap();
    assert_eq!(ended.at.since(before), Duration::from_secs(3));
    one.shutdown().await.unwrap();
    late.status().await.unwrap();
    two.shutdown().await.unwrap();
}

#[tokio::test]
async fn a_shutdown_lets_bodies_on_the_clock_finish() {
    let clock = VirtualClock::new();
    let before = clock.now();
    let engine = engine(&clock).await;
    engine.client().start::<hanging>("run", true).await.unwrap();
    clock.advance(Duration::ZERO).await;
    engine.shutdown().await.unwrap();
    assert_eq!(
        clock.now().since(before),
        Duration::from_secs(10),
        "the grace"
    );
}

/// A third of a lease, after which it is renewed, need not be a whole number of microseconds.
#[tokio::test]
async fn time_passes_over_leases_of_every_length() {
    for millis in [100, 500, 1_000, 3_000, 4_000, 14_999] {
        let clock = VirtualClock::new();
        let before = clock.now();
        let engine = builder(&clock, &Door::default()).lease(Duration::from_millis(millis));
        let engine = engine.start(MemoryStore::new()).await.unwrap();
        let moved = durable_tests::soon(clock.advance(PAUSE)).await;
        assert!(moved.is_ok(), "a lease of {millis} ms");
        assert_eq!(clock.now().since(before), PAUSE);
        engine.shutdown().await.unwrap();
    }
}
