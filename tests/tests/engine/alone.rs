//! What stands in the way of others is tried alone, and costs them little.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::Duration,
};

use durable::{
    Clock, ErrorKind, Status,
    journal::{Payload, RunId},
    prelude::*,
    store::{Batch, NewRun, Store, StoreError, StoreErrorKind},
    testing::{BatchFault, FaultyStore, StoreCall},
};

use super::{
    culprits::{engine, holds, timed_out},
    world::{Book, World},
};

/// Starts runs that nobody owns.
async fn start_for_others(world: &World, ids: &[String]) {
    let start = |id: &String| NewRun {
        id: RunId::from_recorded(id),
        workflow: "echo".to_owned(),
        input: Payload::from_bytes(*b"\"v\""),
        seed: 1,
        at: world.clock.now(),
        parent: None,
        owner: None,
    };
    let batch = Batch {
        starts: ids.iter().map(start).collect(),
        ..Batch::default()
    };
    world.store.commit(&batch).await.unwrap();
}

async fn status(world: &World, id: &str) -> Status {
    let run = world.store.find(&RunId::from_recorded(id)).await.unwrap();
    run.unwrap().status
}

/// Starts runs that nobody owns, and expects that they are completed within a minute.
async fn are_claimed(world: &World, ids: impl Iterator<Item = String>) {
    let ids: Vec<_> = ids.collect();
    start_for_others(world, &ids).await;
    world.clock.advance(Duration::from_secs(60)).await;
    for id in &ids {
        assert_eq!(status(world, id).await, Status::Completed, "{id}");
    }
}

/// A step whose output is large, and one after it.
#[durable::workflow]
async fn carry(ctx: &Ctx, text: String) -> durable::Result<String> {
    let large = ctx
        .step("large", async |step| {
            step.state::<Book>().write(step.idempotency_key());
            Ok::<_, String>(text.to_uppercase())
        })
        .await?;
    ctx.step("last", async |_| Ok::<_, String>(())).await?;
    Ok(large)
}

#[tokio::test]
async fn progress_that_never_passes_the_line_parks_its_run_when_others_do() {
    let world = World::default();
    let mended = Arc::new(AtomicBool::new(false));
    let is_mended = Arc::clone(&mended);
    let store = FaultyStore::new(world.store.clone()).with_rule(move |batch| {
        let is_late = !is_mended.load(Ordering::Acquire) && holds(batch, "CULPRIT");
        is_late.then(|| BatchFault::Before(timed_out()))
    });
    let first = engine(&world, store.clone()).await;
    let ids = ["culprit-1", "culprit-2"];
    for id in ids {
        let client = first.client();
        let run = client.start::<carry>(id, "culprit".to_owned()).await;
        run.unwrap();
    }
    // It may be the database: nothing else is written.
    world.clock.advance(Duration::from_secs(3_600)).await;
    for id in ids {
        assert_eq!(status(&world, id).await, Status::Running, "{id}");
    }
    for round in 0..20 {
        are_claimed(&world, (0..5).map(|n| format!("run-{round}-{n}"))).await;
    }
    for id in ids {
        assert_eq!(status(&world, id).await, Status::Parked, "{id}");
        let run = first.client().attach::<carry>(id).await.unwrap();
        let error = run.result().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Parked);
        assert!(
            error.to_string().contains("took what others wrote"),
            "{error}"
        );
    }
    first.shutdown().await.unwrap();

    mended.store(true, Ordering::Release);
    let second = engine(&world, store).await;
    for id in ids {
        let run = second.client().attach::<carry>(id).await.unwrap();
        assert_eq!(run.result().await.unwrap(), "CULPRIT");
        let keys = world.book.lines();
        let of_culprit = keys.iter().filter(|key| key.contains(id));
        assert_eq!(of_culprit.count(), 2);
    }
    second.shutdown().await.unwrap();
}

/// Two runs cannot be loaded, by themselves or with whomever they are claimed together.
async fn two_runs_cannot_be_loaded(fault: fn() -> StoreError) {
    let world = World::default();
    let tries = Arc::new(AtomicU32::new(0));
    let mended = Arc::new(AtomicBool::new(false));
    let (count, is_mended) = (Arc::clone(&tries), Arc::clone(&mended));
    let store = FaultyStore::new(world.store.clone()).with_loading_rule(move |run| {
        let is_culprit = run.id.as_str().starts_with("culprit");
        (is_culprit && !is_mended.load(Ordering::Acquire)).then(|| {
            count.fetch_add(1, Ordering::AcqRel);
            fault()
        })
    });
    let ids = ["culprit-1", "run", "culprit-2"].map(str::to_owned);
    start_for_others(&world, &ids).await;
    let first = engine(&world, store.clone()).await;
    let tries = || u64::from(tries.load(Ordering::Acquire));
    let mut found = (0, 0);
    for round in 0..10 {
        let ids = (0..30).map(|n| format!("run-{round}-{n}"));
        are_claimed(&world, ids).await;
        if round == 0 {
            found = (tries(), store.calls(StoreCall::ClaimRun));
        }
    }
    assert!((10..60).contains(&tries()), "{} in ten minutes", tries());
    // Once it is known who they are, no claim of others fails for them.
    let alone = store.calls(StoreCall::ClaimRun) - found.1;
    assert_eq!((tries() - found.0, alone > 10), (alone, true), "{alone}");
    // Mail makes it no more urgent, and a worker that ends gives it back.
    first.client().cancel("culprit-2").await.unwrap();
    are_claimed(&world, ["next".to_owned()].into_iter()).await;
    first.shutdown().await.unwrap();
    let second = engine(&world, store).await;
    are_claimed(&world, ["last".to_owned()].into_iter()).await;

    mended.store(true, Ordering::Release);
    world.clock.advance(Duration::from_secs(120)).await;
    let ends = [
        ("culprit-1", Status::Completed),
        ("culprit-2", Status::Canceled),
    ];
    for (id, end) in ends {
        assert_eq!(status(&world, id).await, end, "{id}");
    }
    let keys = world.book.lines();
    let of_culprits = keys.iter().filter(|key| key.contains("culprit"));
    assert_eq!((keys.len(), of_culprits.count()), (304, 1));
    second.shutdown().await.unwrap();
}

#[tokio::test]
async fn a_run_that_cannot_be_loaded_waits_alone_and_starves_nobody() {
    let damaged = || StoreError::new(StoreErrorKind::Corrupt, "the file is damaged");
    two_runs_cannot_be_loaded(damaged).await;
    two_runs_cannot_be_loaded(timed_out).await;
}
