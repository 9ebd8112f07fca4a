//! A client is no worker: it takes nothing, parks nothing, and nobody sees it as one.

use std::{
    sync::{Arc, Mutex, PoisonError, mpsc},
    time::Duration,
};

use durable::{
    Engine, ErrorKind, Result, Status,
    graph::Registry,
    journal::EventKind,
    store::{MemoryStore, NewWorker, PostgresStore, SqliteStore, Store, StoreErrorKind},
};
use durable_tests::soon;

use super::world::{World, assert_no_work, letters, on_each, post};

on_each!(
    without_a_worker_runs_are_started_and_signaled_and_nothing_is_done,
    an_input_that_no_worker_can_read_parks_its_run,
    a_wait_outlasts_the_death_of_the_worker,
    a_run_of_nobody_stays_pending_until_somebody_has_it,
    the_last_clone_lets_go_of_the_database,
);

async fn without_a_worker_runs_are_started_and_signaled_and_nothing_is_done(
    world: World,
) -> Result<()> {
    let (client, store) = world.faulty(|store| store).await?;
    let run = client.start::<post>("p", 7).await?;
    let orphan = client.start_by_name("nobody_has_it", "q", "{}").await?;
    client.signal_by_name("p", "stamps", "2").await?;
    client.cancel("q").await?;
    let patience = Duration::from_millis(50);
    let error = run.timeout(patience).result().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TimedOut);
    let error = orphan.timeout(patience).result_json().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TimedOut);
    for id in ["p", "q"] {
        assert_eq!(client.status(id).await?.status, Status::Pending);
        assert!(client.history(id).await?.is_empty());
    }
    assert_no_work(&store);
    let owned = "SELECT count(*) FROM runs WHERE owner IS NOT NULL OR due IS NULL OR epoch <> 0";
    for nothing in ["SELECT count(*) FROM workers", owned] {
        assert_eq!(world.count(nothing).await?.unwrap_or(0), 0, "{nothing}");
    }
    // Whoever comes has it all.
    let engine = world.engine().await?;
    assert_eq!(soon(run.result()).await??, 14);
    let error = soon(orphan.result_json()).await?.unwrap_err();
    assert!(
        matches!(error.kind(), ErrorKind::Parked | ErrorKind::Canceled),
        "{error}"
    );
    engine.shutdown().await?;
    assert_no_work(&store);
    Ok(())
}

async fn an_input_that_no_worker_can_read_parks_its_run(world: World) -> Result<()> {
    let client = world.client().await?;
    let run = client.start_by_name("post", "p", "\"heavy\"").await?;
    let engine = world.engine().await?;
    let error = soon(run.result_json()).await?.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Parked, "{error}");
    engine.shutdown().await
}

/// The worker dies as a process does; the next one goes on, and who waits notices nothing.
async fn a_wait_outlasts_the_death_of_the_worker(world: World) -> Result<()> {
    let client = world.client().await?;
    let engine = world.engine().await?;
    let run = client.start::<post>("p", 7).await?;
    soon(run.reaches(Status::Suspended)).await??;
    let waiting = tokio::spawn({
        let run = run.clone();
        async move { run.result().await }
    });
    drop(engine);
    run.signal(post::stamps, 3).await?;
    let engine = world.engine().await?;
    assert_eq!(soon(waiting).await???, 21);
    engine.shutdown().await
}

async fn a_run_of_nobody_stays_pending_until_somebody_has_it(world: World) -> Result<()> {
    let client = world.client().await?;
    let run = client.start::<letters>("l", 0).await?;
    let others = Registry::of(Registry::linked()?.find("post"))?;
    // A worker that cannot drive it says so in its row, and the one that can tries it.
    let engine = world.engine_of(Engine::builder().registry(others)).await?;
    let error = soon(run.result()).await?.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Parked, "{error}");
    assert!(error.to_string().contains("`letters`"), "{error}");
    engine.shutdown().await?;
    let engine = world.engine().await?;
    soon(async {
        while client.status("l").await?.status != Status::Completed {
            tokio::task::yield_now().await;
        }
        Ok::<_, durable::Error>(())
    })
    .await??;
    let events = client.history("l").await?;
    assert!(matches!(events[..], [ref only] if matches!(only.kind, EventKind::Completed { .. })));
    engine.shutdown().await
}

async fn the_last_clone_lets_go_of_the_database(world: World) -> Result<()> {
    let (client, store) = world.faulty(|store| store).await?;
    let run = client.start_by_name("any", "p", "1").await?;
    let list = client.list();
    drop(client);
    assert_eq!(run.status().await?.status, Status::Pending);
    drop(list);
    drop(run);
    soon(async {
        while store.calls(durable::testing::StoreCall::Close) == 0 {
            tokio::task::yield_now().await;
        }
    })
    .await?;
    Ok(())
}

/// It says when it is dropped.
#[derive(Debug)]
struct Told(Mutex<Option<mpsc::Sender<()>>>);

impl Drop for Told {
    fn drop(&mut self) {
        let sender = self.0.get_mut().unwrap_or_else(PoisonError::into_inner);
        drop(sender.take());
    }
}

#[tokio::test]
async fn a_dropped_client_leaves_no_thread_behind() -> Result<()> {
    let (sender, dropped) = mpsc::channel();
    let told = Arc::new(Told(Mutex::new(Some(sender))));
    let store = durable::testing::FaultyStore::new(MemoryStore::new());
    let store = store.with_rule(move |_| {
        let _held = &told;
        None
    });
    let client = super::world::knowing_nothing().on(store).await?;
    client.start_by_name("any", "p", "1").await?;
    drop(client);
    // The thread had the last handle of the store.
    let gone = tokio::task::spawn_blocking(move || dropped.recv_timeout(Duration::from_secs(60)));
    assert_eq!(gone.await?, Err(mpsc::RecvTimeoutError::Disconnected));
    Ok(())
}

#[tokio::test]
async fn no_worker_can_be_on_a_store_that_was_opened_for_clients() -> Result<()> {
    let world = World::sqlite().await?;
    let store = SqliteStore::connect(&world.address()).await?;
    let error = Engine::builder().start(store).await.err();
    let error = error.ok_or("an engine was started")?;
    assert_eq!(error.store_kind(), Some(StoreErrorKind::Open), "{error}");
    assert!(error.to_string().contains("SqliteStore::open"), "{error}");
    Ok(())
}

#[cfg(unix)]
#[tokio::test]
async fn no_worker_can_be_on_a_server_that_was_opened_for_clients() -> Result<()> {
    durable_tests::needs!(Database);
    let world = World::postgres().await?;
    let store = PostgresStore::connect(&world.address()).await?;
    let worker = NewWorker::until(durable::journal::Timestamp::from_micros(1));
    let error = store.register_worker(worker).await.err();
    let error = error.ok_or("a worker was registered")?;
    assert_eq!(error.kind(), StoreErrorKind::Open, "{error}");
    Ok(store.close().await?)
}
