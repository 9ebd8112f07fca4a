//! What a snapshot shows, and in which form.

use std::time::{Duration, Instant};

use durable::{
    Clock, Status, WaitsOn,
    journal::{Payload, RunId, RunKey, StepId},
    prelude::*,
    store::{Batch, NewRun, Parent, StartOutcome, Store},
};
use durable_tests::soon;

use super::world::World;

#[durable::workflow]
async fn busy(ctx: &Ctx, name: String) -> durable::Result<String> {
    ctx.step("first", async |_| Ok::<_, String>(1))
        .compensate(undo)
        .await?;
    let (work, retried, nap, answer, child) = durable::join!(
        ctx.step("work", async |step| {
            step.canceled().await;
            Ok::<_, String>(0)
        }),
        ctx.step("retried", async |_| Err::<u32, _>("not yet"))
            .retry(Retry::linear().initial_delay(Duration::from_secs(60))),
        ctx.sleep("nap", Duration::from_secs(3_600)),
        ctx.signal::<u32>("answer"),
        ctx.child::<idle>("child", ()),
    );
    work?;
    retried?;
    nap?;
    answer?;
    child?;
    Ok(name)
}

#[durable::compensate]
async fn undo(_step: &StepCtx, _first: u32) -> Result<(), String> {
    std::future::pending().await
}

#[durable::workflow]
async fn idle(ctx: &Ctx, _input: ()) -> durable::Result<()> {
    ctx.sleep("long", Duration::from_secs(86_400)).await?;
    Ok(())
}

#[tokio::test]
async fn a_snapshot_shows_what_is_done_in_flight_waiting_and_undone() {
    let world = World::default();
    let engine = world
        .start(Engine::builder().cancel_grace(Duration::ZERO))
        .await;
    let run = engine
        .client()
        .start::<busy>("run", "Ada".to_owned())
        .await
        .unwrap();
    let snapshot = loop {
        let snapshot = run.status().await.unwrap();
        if snapshot.waiting.len() == 4 && !snapshot.in_flight.is_empty() {
            break snapshot;
        }
        tokio::task::yield_now().await;
    };
    assert_eq!((snapshot.done, snapshot.input), (1, "Ada".into()));
    let in_flight: Vec<_> = snapshot
        .in_flight
        .iter()
        .map(|s| (s.step.as_str(), s.attempt))
        .collect();
    assert_eq!(in_flight, [("work", 1)]);
    let mut waits: Vec<_> = snapshot
        .waiting
        .iter()
        .map(|w| (w.step.as_str(), w.on))
        .collect();
    waits.sort_unstable_by_key(|(step, _)| *step);
    let wanted = [
        ("answer", WaitsOn::Signal),
        ("child", WaitsOn::Child),
        ("nap", WaitsOn::Timer),
        ("retried", WaitsOn::Retry),
    ];
    assert_eq!(waits, wanted);
    assert_eq!(snapshot.awaiting_signal.as_deref(), Some("answer"));
    assert!(snapshot.rollback.is_none());
    let child = engine.client().status("run/child").await.unwrap();
    assert_eq!(child.parent.unwrap().as_str(), "run");
    assert_eq!(child.parent_step.unwrap().as_str(), "child");

    run.cancel().await.unwrap();
    let rollback = loop {
        let snapshot = run.status().await.unwrap();
        match snapshot.rollback {
            Some(rollback) if rollback.undoing.is_some() => break rollback,
            _ => tokio::task::yield_now().await,
        }
    };
    let undoing = rollback.undoing.unwrap();
    assert_eq!((undoing.step.as_str(), rollback.left), ("first", 1));
    run.cancel().abandon_rollback().await.unwrap();
    soon(run.result()).await.unwrap().unwrap_err();
    let ended = run.status().await.unwrap();
    assert!(ended.in_flight.is_empty() && ended.waiting.is_empty() && ended.rollback.is_none());
    engine.shutdown().await.unwrap();
}

#[tokio::test]
async fn times_in_json_are_rfc_3339_everywhere() {
    let world = World::default();
    let engine = world.engine().await;
    let run = engine.client().start::<idle>("run", ()).await.unwrap();
    run.reaches(Status::Suspended).await.unwrap();
    let snapshot = serde_json::to_value(run.status().await.unwrap()).unwrap();
    let listed = engine.client().list().next_page().await.unwrap();
    let listed = serde_json::to_value(listed).unwrap();
    let history = engine.client().history("run").await.unwrap();
    let history = serde_json::to_value(history).unwrap();
    assert_eq!(history[0]["kind"], "timer_armed");
    let times = [
        &snapshot["created_at"],
        &snapshot["updated_at"],
        &snapshot["wake_at"],
        &snapshot["waiting"][0]["until"],
        &listed[0]["created_at"],
        &listed[0]["updated_at"],
        &history[0]["at"],
        &history[0]["due"],
    ];
    for time in times {
        let text = time.as_str().unwrap();
        assert!(
            text.contains('T') && text.ends_with('Z') && text.len() == 27,
            "{text}"
        );
    }
    engine.shutdown().await.unwrap();
}

/// Children as a store has them, without running them.
async fn child(world: &World, parent: RunKey, ids: impl Iterator<Item = String>) -> RunKey {
    let starts = ids.map(|id| NewRun {
        id: RunId::from_recorded(&id),
        workflow: "nobody".to_owned(),
        input: Payload::from_bytes(*b"null"),
        seed: 1,
        at: world.clock.now(),
        parent: (parent.get() != 0).then(|| Parent {
            run: parent,
            step: StepId::from_recorded("c"),
        }),
        owner: None,
    });
    let batch = Batch {
        starts: starts.collect(),
        ..Batch::default()
    };
    let outcome = world.store.commit(&batch).await.unwrap();
    match outcome.starts.last() {
        Some(StartOutcome::Created { run }) => *run,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_snapshot_of_a_deep_chain_or_of_many_children_is_small() {
    let world = World::default();
    let wide = child(&world, RunKey::new(0), ["wide".to_owned()].into_iter()).await;
    child(&world, wide, (0..10_000).map(|n| format!("wide/{n}"))).await;
    let mut deep = child(&world, RunKey::new(0), ["deep".to_owned()].into_iter()).await;
    for depth in 0..5_000 {
        deep = child(&world, deep, [format!("deep/{depth}")].into_iter()).await;
    }
    let mut limits = durable::Limits::default();
    limits.resident_runs_max = 0;
    let engine = world.start(Engine::builder().limits(limits)).await;
    let begun = Instant::now();
    let snapshot = engine.client().status("wide").await.unwrap();
    assert_eq!(
        (snapshot.children.len(), snapshot.more_children),
        (100, 9_900)
    );
    assert_eq!(snapshot.children[0].id.as_str(), "wide/0");
    let snapshot = engine.client().status("deep").await.unwrap();
    assert_eq!((snapshot.children.len(), snapshot.more_children), (1, 0));
    println!("two snapshots took {:?}", begun.elapsed());
    let text = serde_json::to_string(&snapshot).unwrap();
    assert!(text.len() < 2_000 && format!("{snapshot:?}").len() < 4_000);
    engine.shutdown().await.unwrap();
}
