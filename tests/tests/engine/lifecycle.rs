//! Engines come and go: shutdown, crash, several at once, a lost lease, and bounds of memory.

use std::time::Duration;

use durable::{ErrorKind, Limits, Status, prelude::*, testing::VirtualClock};

use super::world::{Book, World};

const DAY: Duration = Duration::from_secs(86_400);

#[durable::workflow]
async fn napper(ctx: &Ctx, naps: u32) -> durable::Result<u32> {
    for _ in 0..naps {
        ctx.step("mark", async |step| {
            step.state::<Book>().write(step.idempotency_key());
            Ok::<_, String>(())
        })
        .await?;
        ctx.sleep("nap", DAY).await?;
    }
    Ok(naps)
}

#[tokio::test]
async fn a_year_of_naps_over_many_engines_loses_and_repeats_nothing() {
    let world = World::default();
    let engine = world.engine().await;
    engine.client().start::<napper>("run", 20).await.unwrap();
    let mut engine = engine;
    for round in 0..40 {
        world.clock.advance(DAY / 2).await;
        if round % 2 == 0 {
            engine.shutdown().await.unwrap();
        } else {
            drop(engine); // A crash.
        }
        world.clock.advance(Duration::from_secs(60)).await;
        engine = world.engine().await;
    }
    let run = engine.client().attach::<napper>("run").await.unwrap();
    assert_eq!(run.result().await.unwrap(), 20);
    let lines = world.book.lines();
    let different: std::collections::BTreeSet<_> = lines.iter().collect();
    assert_eq!((lines.len(), different.len()), (20, 20));
    engine.shutdown().await.unwrap();
}

#[tokio::test]
async fn two_engines_share_the_work_and_no_step_runs_twice() {
    let world = World::default();
    let (one, two) = (world.engine().await, world.engine().await);
    let mut runs = Vec::new();
    for number in 0..40 {
        let client = if number % 2 == 0 {
            one.client()
        } else {
            two.client()
        };
        runs.push(
            client
                .start::<napper>(format!("run-{number}"), 3)
                .await
                .unwrap(),
        );
    }
    for run in runs {
        assert_eq!(run.result().await.unwrap(), 3);
    }
    let lines = world.book.lines();
    let different: std::collections::BTreeSet<_> = lines.iter().collect();
    assert_eq!((lines.len(), different.len()), (120, 120));
    one.shutdown().await.unwrap();
    two.shutdown().await.unwrap();
}

#[tokio::test]
async fn more_runs_than_fit_in_memory_wait_for_their_turn() {
    let world = World::default();
    let mut limits = Limits::default();
    limits.resident_runs_max = 5;
    let engine = world.start(Engine::builder().limits(limits)).await;
    let mut runs = Vec::new();
    for number in 0..100 {
        runs.push(
            engine
                .client()
                .start::<napper>(format!("run-{number}"), 2)
                .await
                .unwrap(),
        );
    }
    for run in runs {
        assert_eq!(run.result().await.unwrap(), 2);
    }
    assert_eq!(world.book.lines().len(), 200);
    engine.shutdown().await.unwrap();
}

#[durable::workflow]
async fn slow_worker(ctx: &Ctx, seconds: u64) -> durable::Result<u32> {
    let attempt = ctx
        .step("work", |step| async move {
            step.state::<Book>()
                .write(format!("begin {}", step.attempt()));
            let clock = step.state::<VirtualClock>().clone();
            clock.sleep(Duration::from_secs(seconds)).await;
            step.state::<Book>().write("end");
            Ok::<_, String>(step.attempt())
        })
        .await?;
    Ok(attempt)
}

async fn begun(world: &World, lines: usize) {
    while world.book.lines().len() < lines {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_shutdown_lets_a_running_step_finish() {
    let world = World::default();
    let engine = world.engine().await;
    engine
        .client()
        .start::<slow_worker>("run", 5)
        .await
        .unwrap();
    begun(&world, 1).await;
    engine.shutdown().await.unwrap();
    assert_eq!(world.book.lines(), ["begin 1", "end"]);
    let engine = world.engine().await;
    let run = engine.client().attach::<slow_worker>("run").await.unwrap();
    assert_eq!(run.result().await.unwrap(), 1);
    assert_eq!(world.book.lines(), ["begin 1", "end"]);
    engine.shutdown().await.unwrap();
}

#[tokio::test]
async fn a_shutdown_waits_for_no_step_longer_than_its_grace() {
    let world = World::default();
    let engine = world
        .start(Engine::builder().shutdown_grace(Duration::from_secs(30)))
        .await;
    engine
        .client()
        .start::<slow_worker>("run", 3_600)
        .await
        .unwrap();
    begun(&world, 1).await;
    let before = durable::Clock::now(&world.clock);
    engine.shutdown().await.unwrap();
    assert_eq!(
        durable::Clock::now(&world.clock).since(before).as_secs(),
        30
    );
    // The attempt was not the step's fault: it is made again, under the same number.
    let engine = world.engine().await;
    let run = engine.client().attach::<slow_worker>("run").await.unwrap();
    assert_eq!(run.result().await.unwrap(), 1);
    assert_eq!(world.book.lines(), ["begin 1", "begin 1", "end"]);
    engine.shutdown().await.unwrap();
}

#[tokio::test]
async fn who_waits_is_told_of_a_shutdown_and_who_asks_afterwards_is_refused() {
    let world = World::default();
    let engine = world.engine().await;
    let client = engine.client();
    let run = client.start::<approval>("run", ()).await.unwrap();
    let waiting = tokio::spawn({
        let run = run.clone();
        async move { run.result().await }
    });
    run.reaches(Status::Suspended).await.unwrap();
    engine.shutdown().await.unwrap();
    assert_eq!(
        waiting.await.unwrap().unwrap_err().kind(),
        ErrorKind::ShutDown
    );
    let error = client.start::<approval>("another", ()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ShutDown);
    let error = run.signal(approval::granted, true).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ShutDown);
}

#[durable::workflow]
async fn approval(ctx: &Ctx, _input: ()) -> durable::Result<bool> {
    Ok(ctx.signal::<bool>("granted").await?)
}

#[derive(Debug)]
pub(crate) struct Unheard;

#[durable::workflow]
async fn wants_state(ctx: &Ctx, _input: ()) -> durable::Result<()> {
    let _unheard = ctx.state::<Unheard>();
    Ok(())
}

#[tokio::test]
async fn a_worker_without_the_state_that_a_workflow_reads_does_not_start() {
    use durable::graph::Registry;

    let registry = Registry::of([super::world::renamed::<wants_state>("wants_state")]).unwrap();
    let missing = Engine::builder()
        .registry(registry.clone())
        .open("memory:")
        .await;
    let error = missing.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::MissingState);
    for word in ["wants_state", "Unheard"] {
        assert!(error.to_string().contains(word), "{error}");
    }
    let given = Engine::builder()
        .registry(registry)
        .state(Unheard)
        .open("memory:")
        .await;
    given.unwrap().shutdown().await.unwrap();
}

#[test]
fn two_workflows_of_one_name_are_refused_with_both_places() {
    use durable::graph::Registry;

    let twins = [
        super::world::renamed::<slow_worker>("twin"),
        super::world::renamed::<napper>("twin"),
    ];
    let error = durable::Error::from(Registry::of(twins).unwrap_err());
    assert_eq!(error.kind(), ErrorKind::DuplicateWorkflow);
    assert!(error.to_string().contains("`twin`"), "{error}");
    assert_eq!(
        error.to_string().matches("lifecycle.rs:").count(),
        2,
        "{error}"
    );
}
