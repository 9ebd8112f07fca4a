//! Waiting for a run: through outages, with a deadline, until the engine ends.

use std::{sync::Arc, time::Duration};

use durable::{
    EngineBuilder, ErrorKind, Status,
    graph::Registry,
    prelude::*,
    testing::{Fault, FaultyStore, StoreCall},
};
use durable_tests::soon;
use tokio::sync::Notify;

use super::world::World;

#[durable::workflow]
async fn asker(ctx: &Ctx, _input: ()) -> durable::Result<u32> {
    Ok(ctx.signal::<u32>("answer").await?)
}

/// An engine whose runs leave memory as soon as they wait, on a store of which these calls fail.
async fn engine(world: &World, faults: &[(StoreCall, std::ops::Range<u64>)]) -> Engine {
    let mut store = FaultyStore::new(world.store.clone());
    for (call, numbers) in faults {
        for number in numbers.clone() {
            store = store.with_fault(*call, number, Fault::Before);
        }
    }
    builder(world).start(store).await.unwrap()
}

fn builder(world: &World) -> EngineBuilder {
    let linked = Registry::linked().unwrap();
    let registry = Registry::of([linked.find("asker").unwrap()]).unwrap();
    let builder = Engine::builder().registry(registry).linger(Duration::ZERO);
    builder.clock(world.clock.clone())
}

#[tokio::test]
async fn an_outage_is_waited_out_by_who_waits_for_a_run_that_is_not_in_memory() {
    let world = World::default();
    let engine = engine(&world, &[]).await;
    let run = engine.client().start::<asker>("run", ()).await.unwrap();
    run.reaches(Status::Suspended).await.unwrap();
    engine.shutdown().await.unwrap();

    let faults = [
        (StoreCall::Read, 1..5),
        (StoreCall::History, 1..3),
        (StoreCall::Find, 2..4),
    ];
    let engine = self::engine(&world, &faults).await;
    let run = engine.client().attach::<asker>("run").await.unwrap();
    assert_eq!(
        soon(run.reaches(Status::Suspended)).await.unwrap().unwrap(),
        Status::Suspended
    );
    let waiting = tokio::spawn({
        let run = run.clone();
        async move { run.result().await }
    });
    engine
        .client()
        .signal_by_name("run", "answer", "7")
        .await
        .unwrap();
    assert_eq!(soon(waiting).await.unwrap().unwrap().unwrap(), 7);
    assert_eq!(soon(run.result()).await.unwrap().unwrap(), 7);
    engine.shutdown().await.unwrap();
}

#[tokio::test]
async fn what_only_looks_says_that_the_database_fails() {
    let world = World::default();
    let engine = engine(&world, &[(StoreCall::Find, 1..4), (StoreCall::List, 1..2)]).await;
    let client = engine.client();
    let errors = [
        client.status("run").await.unwrap_err(),
        client.history("run").await.unwrap_err(),
        client.attach_by_id("run").await.unwrap_err(),
        client.list().next_page().await.unwrap_err(),
    ];
    for error in errors {
        assert_eq!(error.kind(), ErrorKind::Store, "{error}");
    }
    engine.shutdown().await.unwrap();
}

#[tokio::test]
async fn a_wait_with_a_deadline_gives_up_and_the_run_goes_on() {
    let world = World::default();
    let engine = world.engine().await;
    let run = engine.client().start::<asker>("run", ()).await.unwrap();
    let hasty = run.timeout(Duration::from_millis(20));
    let given_up = [
        hasty.result().await.unwrap_err(),
        hasty.clone().result_json().await.unwrap_err(),
        hasty.reaches(Status::Completed).await.unwrap_err(),
    ];
    for error in given_up {
        assert_eq!(error.kind(), ErrorKind::TimedOut);
        let text = error.to_string();
        assert!(text.contains("`run`") && text.contains("20ms"), "{text}");
    }
    run.signal(asker::answer, 7).await.unwrap();
    assert_eq!(run.result().await.unwrap(), 7);
    // A deadline far away, and one that is over when it begins.
    assert_eq!(run.timeout(Duration::MAX).result().await.unwrap(), 7);
    let _ = run.timeout(Duration::ZERO).result().await;
    engine.shutdown().await.unwrap();
}

#[tokio::test]
async fn a_deadline_says_that_the_database_fails() {
    let world = World::default();
    let engine = engine(&world, &[]).await;
    let run = engine.client().start::<asker>("run", ()).await.unwrap();
    run.reaches(Status::Suspended).await.unwrap();
    engine.shutdown().await.unwrap();
    let outage =
        [StoreCall::Read, StoreCall::Claim, StoreCall::ClaimParked].map(|call| (call, 1..1_000));
    let engine = self::engine(&world, &outage).await;
    let run = engine.client().attach::<asker>("run").await.unwrap();
    let error = run
        .timeout(Duration::from_millis(50))
        .result()
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TimedOut);
    assert!(error.to_string().contains("the database fails"), "{error}");
    engine.shutdown().await.unwrap();
}

#[tokio::test]
async fn the_end_of_the_engine_ends_a_wait_that_the_database_does_not_answer() {
    let world = World::default();
    let first = engine(&world, &[]).await;
    first
        .client()
        .start::<asker>("run", ())
        .await
        .unwrap()
        .reaches(Status::Suspended)
        .await
        .unwrap();
    first.shutdown().await.unwrap();
    let never = Fault::Held(Arc::new(Notify::new()));
    let silent = FaultyStore::new(world.store.clone()).with_fault(StoreCall::Read, 1, never);
    let engine = builder(&world).start(silent.clone()).await.unwrap();
    let run = engine.client().attach::<asker>("run").await.unwrap();
    let waiting = tokio::spawn(async move { run.result().await });
    while silent.calls(StoreCall::Read) == 0 {
        tokio::task::yield_now().await;
    }
    engine.shutdown().await.unwrap();
    let error = soon(waiting).await.unwrap().unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ShutDown);
}
