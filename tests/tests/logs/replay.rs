//! A body says nothing again.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    task::Poll,
    time::Duration,
};

use durable::{
    Status,
    prelude::*,
    store::{MemoryStore, Store},
    testing::VirtualClock,
};
use durable_tests::{
    crashing::{CrashingStore, Moment},
    soon,
};

use super::listener::Listener;

const NIGHT: Duration = Duration::from_secs(60);

async fn engine(clock: &VirtualClock, store: impl Store) -> Engine {
    let engine = Engine::builder().clock(clock.clone()).start(store).await;
    engine.unwrap()
}

/// The turns that said this, in order.
fn turns(listener: &Listener, run: &str, message: &str) -> Vec<u32> {
    let lines = listener.said(run, message);
    let turns = lines.iter().map(|line| line.field("turn").parse().unwrap());
    turns.collect()
}

#[durable::workflow]
async fn workdays(ctx: &Ctx, days: u32) -> durable::Result<u32> {
    for turn in 0..days {
        tracing::info!(turn, "a new day");
        ctx.step("work", async |_| {
            tracing::info!(turn, "working");
            Ok::<_, Failure>(turn)
        })
        .await?;
        tracing::info!(turn, "worked");
        ctx.sleep("night", NIGHT).await?;
    }
    Ok(days)
}

#[tokio::test]
async fn a_run_that_leaves_memory_two_hundred_times_says_each_line_once() {
    let listener = Listener::of_this_program();
    let clock = VirtualClock::new();
    let engine = engine(&clock, MemoryStore::new()).await;
    let run = engine.client().start::<workdays>("two hundred", 200).await;
    soon(run.unwrap().result()).await.unwrap().unwrap();
    assert!(listener.named("two hundred", "run_resumed").len() >= 199);
    for message in ["a new day", "working", "worked"] {
        let said = turns(&listener, "two hundred", message);
        assert_eq!(said, (0..200).collect::<Vec<_>>(), "{message}");
    }
    engine.shutdown().await.unwrap();
}

#[tokio::test]
async fn a_run_whose_worker_is_killed_while_it_waits_says_each_line_once() {
    let listener = Listener::of_this_program();
    let (clock, store) = (VirtualClock::new(), MemoryStore::new());
    for (id, linger) in [("in memory", NIGHT * 2), ("released", Duration::ZERO)] {
        let engine = || async {
            let builder = Engine::builder().clock(clock.clone()).linger(linger);
            builder.start(store.clone()).await.unwrap()
        };
        let mut engine_of_today = engine().await;
        let client = engine_of_today.client();
        client.start::<workdays>(id, 200).await.unwrap();
        for _ in 0..3 {
            clock.advance(NIGHT * 50 + NIGHT / 2).await;
            drop(engine_of_today);
            clock.advance(NIGHT).await;
            engine_of_today = engine().await;
        }
        let run = engine_of_today.client().attach::<workdays>(id).await;
        soon(run.unwrap().result()).await.unwrap().unwrap();
        assert!(listener.named(id, "run_resumed").len() >= 3);
        for message in ["a new day", "working", "worked"] {
            let said = turns(&listener, id, message);
            assert_eq!(said, (0..200).collect::<Vec<_>>(), "{id}: {message}");
        }
        engine_of_today.shutdown().await.unwrap();
    }
}

#[durable::workflow]
async fn side_by_side(ctx: &Ctx, turns: u32) -> durable::Result<()> {
    for turn in 0..turns {
        let (one, two) = durable::join!(
            async {
                ctx.step("one", async |_| Ok::<_, Failure>(())).await?;
                tracing::info!(turn, "one");
                ctx.sleep("short", NIGHT).await
            },
            async {
                ctx.step("two", async |_| Ok::<_, Failure>(())).await?;
                tracing::info!(turn, "two");
                ctx.sleep("long", NIGHT * 2).await
            }
        );
        one?;
        two?;
        tracing::info!(turn, "both");
    }
    Ok(())
}

/// The process dies at each commit in turn: a line may come twice and is never missing.
#[tokio::test]
async fn a_kill_repeats_a_line_at_most_once_and_loses_none() {
    const TURNS: u32 = 3;
    let listener = Listener::of_this_program();
    let mut repeated = 0;
    for (nth, moment) in (1..25).flat_map(|nth| [(nth, Moment::Before), (nth, Moment::After)]) {
        let id = format!("killed_{nth}_{moment:?}");
        let (clock, store) = (VirtualClock::new(), MemoryStore::new());
        let crashing = CrashingStore::new(store.clone(), nth, moment);
        let engine_1 = engine(&clock, crashing.clone()).await;
        let client = engine_1.client();
        let drive = async {
            let run = client.start::<side_by_side>(&id, TURNS).await?;
            run.result().await
        };
        tokio::select! {
            _ = drive => {}
            () = crashing.died() => {}
        }
        drop(engine_1);
        clock.advance(Duration::from_secs(60)).await;
        let engine_2 = engine(&clock, store).await;
        let run = engine_2.client().start::<side_by_side>(&id, TURNS).await;
        soon(run.unwrap().result()).await.unwrap().unwrap();
        let mut extra = 0;
        for message in ["one", "two", "both"] {
            let mut said = turns(&listener, &id, message);
            let lines = said.len();
            said.sort_unstable();
            said.dedup();
            assert_eq!(said, (0..TURNS).collect::<Vec<_>>(), "{id}: {message}");
            extra += lines - said.len();
        }
        // What followed the last record, and what would have been recorded next: a line of each branch.
        assert!(extra <= 4, "{id}: {extra} lines came again");
        repeated += extra;
        engine_2.shutdown().await.unwrap();
    }
    assert!(repeated > 0, "no kill came at the moments that matter");
}

fn say(what: &str) {
    tracing::info!("{what}");
}

#[durable::workflow]
async fn speaks_late(ctx: &Ctx) -> durable::Result<()> {
    if ctx.is_replaying() {
        say("while replaying");
    }
    ctx.sleep("nap", NIGHT).await?;
    say("live");
    Ok(())
}

/// `tracing` remembers for each place in the code whether anybody listens to it.
#[tokio::test]
async fn a_place_that_is_first_passed_on_a_replay_is_heard_later() {
    let listener = Listener::of_this_program();
    let clock = VirtualClock::new();
    let engine = engine(&clock, MemoryStore::new()).await;
    let run = engine.client().start::<speaks_late>("late", ()).await;
    let run = run.unwrap();
    run.reaches(Status::Suspended).await.unwrap();
    soon(run.result()).await.unwrap().unwrap();
    assert_eq!(listener.named("late", "run_resumed").len(), 1);
    assert!(listener.said("late", "while replaying").is_empty());
    assert_eq!(listener.said("late", "live").len(), 1);
    engine.shutdown().await.unwrap();
}

#[durable::workflow]
async fn tries_again_tomorrow(ctx: &Ctx) -> durable::Result<u32> {
    let attempt = ctx.step("try", async |step| {
        tracing::info!(turn = step.attempt(), "trying");
        match step.attempt() {
            1 => Err(StepError::new("closed").retry_after(NIGHT)),
            attempt => Ok(attempt),
        }
    });
    Ok(attempt.await?)
}

/// The first thing that moves when the run is back is the step, not an event.
#[tokio::test]
async fn an_attempt_after_a_wait_in_the_database_is_heard() {
    let listener = Listener::of_this_program();
    let clock = VirtualClock::new();
    let engine = engine(&clock, MemoryStore::new()).await;
    let client = engine.client();
    let run = client.start::<tries_again_tomorrow>("again", ()).await;
    soon(run.unwrap().result()).await.unwrap().unwrap();
    assert_eq!(listener.named("again", "run_resumed").len(), 1);
    assert_eq!(turns(&listener, "again", "trying"), [1, 2]);
    engine.shutdown().await.unwrap();
}

#[durable::workflow]
async fn one_waits_on(ctx: &Ctx) -> durable::Result<()> {
    let (long, quick) = durable::join!(ctx.sleep("long", NIGHT), async {
        ctx.step("quick", async |_| Ok::<_, Failure>(())).await?;
        tracing::info!(turn = 1, "quick is done");
        Ok::<_, Failure>(())
    });
    long?;
    Ok(quick?)
}

/// The line comes after the last record, and before the run leaves memory.
#[tokio::test]
async fn what_was_said_after_the_last_record_is_not_said_again_when_the_run_is_back() {
    let listener = Listener::of_this_program();
    let clock = VirtualClock::new();
    let engine = engine(&clock, MemoryStore::new()).await;
    let run = engine.client().start::<one_waits_on>("waits on", ()).await;
    soon(run.unwrap().result()).await.unwrap().unwrap();
    assert_eq!(listener.named("waits on", "run_resumed").len(), 1);
    assert_eq!(turns(&listener, "waits on", "quick is done"), [1]);
    engine.shutdown().await.unwrap();
}

static MAY_END: AtomicBool = AtomicBool::new(false);

/// Wakes itself without end.
async fn spin() {
    std::future::poll_fn(|cx| {
        cx.waker().wake_by_ref();
        match MAY_END.load(Ordering::Acquire) {
            true => Poll::Ready(()),
            false => Poll::Pending,
        }
    })
    .await;
}

#[durable::workflow]
async fn one_spins(ctx: &Ctx) -> durable::Result<()> {
    let spins = ctx.step("spins", async |_| {
        spin().await;
        Ok::<_, Failure>(())
    });
    let (quick, spins) = durable::join!(
        async {
            ctx.step("quick", async |_| Ok::<_, Failure>(())).await?;
            tracing::info!(turn = 1, "quick is done");
            Ok::<_, Failure>(())
        },
        spins
    );
    quick?;
    Ok(spins?)
}

/// While another step wakes the body without end, a result is recorded before the body knows it.
#[tokio::test]
async fn what_the_body_did_not_come_to_say_before_a_kill_it_says_afterwards() {
    let listener = Listener::of_this_program();
    let (clock, store) = (VirtualClock::new(), MemoryStore::new());
    // The start of the run is the first commit, the result of the quick step the second.
    let crashing = CrashingStore::new(store.clone(), 2, Moment::After);
    let engine_1 = engine(&clock, crashing.clone()).await;
    let client = engine_1.client();
    client.start::<one_spins>("spins", ()).await.unwrap();
    soon(crashing.died()).await.unwrap();
    assert!(listener.said("spins", "quick is done").is_empty());
    drop(engine_1);
    MAY_END.store(true, Ordering::Release);
    clock.advance(NIGHT).await;
    let engine_2 = engine(&clock, store).await;
    let run = engine_2.client().attach::<one_spins>("spins").await;
    soon(run.unwrap().result()).await.unwrap().unwrap();
    assert_eq!(turns(&listener, "spins", "quick is done"), [1]);
    engine_2.shutdown().await.unwrap();
}
