//! Cancellations that meet other things: children, full memory, a rollback that is under way.

use std::time::Duration;

use durable::{ErrorKind, Limits, Run, Status, prelude::*};

use super::world::{Book, World, history};

const DAY: Duration = Duration::from_secs(86_400);

#[durable::compensate]
async fn give_back(step: &StepCtx, what: String) -> Result<(), String> {
    step.state::<Book>().write(format!("give back {what}"));
    Ok(())
}

#[durable::workflow]
async fn sleeper(ctx: &Ctx, _input: ()) -> durable::Result<()> {
    ctx.sleep("long", DAY).await?;
    Ok(())
}

#[durable::workflow]
async fn taker(ctx: &Ctx, _input: ()) -> durable::Result<()> {
    ctx.step("take", async |step| {
        step.state::<Book>().write("take");
        Ok::<_, String>("it".to_owned())
    })
    .compensate(give_back)
    .await?;
    let (one, other) = durable::join!(
        ctx.child::<sleeper>("one", ()),
        ctx.child::<sleeper>("other", ()),
    );
    one?;
    Ok(other?)
}

#[tokio::test]
async fn rollbacks_that_wait_for_children_leave_room_for_them() {
    let world = World::default();
    let mut limits = Limits::default();
    limits.resident_runs_max = 2;
    let engine = world.start(Engine::builder().limits(limits)).await;
    let mut runs = Vec::new();
    for number in 0..6 {
        let id = format!("run{number}");
        runs.push(engine.client().start::<taker>(id, ()).await.unwrap());
    }
    for run in &runs {
        run.reaches(Status::Suspended).await.unwrap();
    }
    for run in &runs {
        run.cancel().await.unwrap();
    }
    for run in &runs {
        let error = tokio::time::timeout(Duration::from_secs(60), run.result()).await;
        assert_eq!(error.unwrap().unwrap_err().kind(), ErrorKind::Canceled);
    }
    let given_back = |line: &&String| *line == "give back it";
    assert_eq!(world.book.lines().iter().filter(given_back).count(), 6);
    assert_eq!(history(&engine, "run0").await.last().unwrap(), "canceled");
    engine.shutdown().await.unwrap();
}

/// How the compensation of `lease` goes.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
enum Undo {
    Works,
    Fails,
    Hangs,
}

#[durable::compensate]
async fn end_lease(step: &StepCtx, undo: Undo) -> Result<(), String> {
    step.state::<Book>()
        .write(format!("end lease {}", step.attempt()));
    match undo {
        Undo::Works => Ok(()),
        Undo::Fails => Err("the owner does not answer".to_owned()),
        Undo::Hangs => std::future::pending().await,
    }
}

#[durable::workflow]
async fn tenant(ctx: &Ctx, undo: Undo) -> durable::Result<()> {
    ctx.step("take", async |step| {
        step.state::<Book>().write("take");
        Ok::<_, String>("it".to_owned())
    })
    .compensate(give_back)
    .await?;
    ctx.step("lease", async |_| Ok::<_, String>(undo))
        .compensate(end_lease)
        .await?;
    let moves_out = ctx.signal::<bool>("moves_out").await?;
    if moves_out {
        return Err("moved out".into());
    }
    Ok(())
}

async fn tenant_that_rolls_back(engine: &Engine, id: &str, undo: Undo) -> Run<tenant> {
    let run = engine.client().start::<tenant>(id, undo).await.unwrap();
    run.reaches(Status::Suspended).await.unwrap();
    run.cancel().await.unwrap();
    run.reaches(Status::Compensating).await.unwrap();
    run
}

#[tokio::test]
async fn a_run_that_is_rolled_back_takes_no_signal_and_no_second_cancellation() {
    let world = World::default();
    let engine = world.engine().await;
    let run = tenant_that_rolls_back(&engine, "run", Undo::Hangs).await;
    let client = engine.client();
    let refused = [
        (
            run.signal(tenant::moves_out, true).await,
            "takes no signals",
        ),
        (
            client.signal_by_name("run", "moves_out", "true").await,
            "takes no signals",
        ),
        (run.cancel().await, "abandon_rollback"),
        (client.cancel("run").await, "abandon_rollback"),
    ];
    for (refused, says) in refused {
        let error = refused.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::RollingBack);
        let text = error.to_string();
        assert!(text.contains("`run`") && text.contains(says), "{text}");
    }
    assert!(
        !history(&engine, "run")
            .await
            .contains(&"signal_received moves_out".to_owned())
    );
    run.cancel().abandon_rollback().await.unwrap();
    engine.shutdown().await.unwrap();
}

/// What a run's failure says was not undone.
fn not_undone(error: &durable::Error) -> Vec<String> {
    let failure = error.failure().unwrap();
    let left = failure.compensations().iter();
    left.map(|left| left.step().unwrap().to_string()).collect()
}

#[tokio::test]
async fn a_rollback_that_is_abandoned_ends_at_once_and_names_what_is_not_undone() {
    for undo in [Undo::Hangs, Undo::Fails] {
        let world = World::default();
        let engine = world.engine().await;
        let run = tenant_that_rolls_back(&engine, "run", undo).await;
        run.cancel().abandon_rollback().await.unwrap();
        let error = run.result().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Failed);
        assert_eq!(
            error.failure().unwrap().kind(),
            durable::FailureKind::Canceled
        );
        assert_eq!(not_undone(&error), ["lease", "take"]);
        assert!(
            error.to_string().contains("step `take` was not undone"),
            "{error}"
        );
        assert!(!world.book.lines().contains(&"give back it".to_owned()));
        let last = history(&engine, "run").await;
        assert_eq!(last[last.len() - 2..], ["rollback_abandoned", "failed"]);
        let error = run.cancel().abandon_rollback().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Ended);
        engine.shutdown().await.unwrap();
    }
}

#[tokio::test]
async fn a_run_that_is_not_rolled_back_is_canceled_without_being_undone_if_asked_to() {
    let world = World::default();
    let engine = world.engine().await;
    let run = engine
        .client()
        .start::<tenant>("run", Undo::Works)
        .await
        .unwrap();
    run.reaches(Status::Suspended).await.unwrap();
    run.cancel().abandon_rollback().await.unwrap();
    assert_eq!(
        not_undone(&run.result().await.unwrap_err()),
        ["lease", "take"]
    );
    // One that has done nothing is canceled as any other.
    let idle = engine.client().start::<sleeper>("idle", ()).await.unwrap();
    idle.cancel().abandon_rollback().await.unwrap();
    assert_eq!(idle.result().await.unwrap_err().kind(), ErrorKind::Canceled);
    engine.shutdown().await.unwrap();
}

#[tokio::test]
async fn the_rollback_of_a_failure_keeps_its_cause_when_it_is_abandoned() {
    let world = World::default();
    let engine = world.engine().await;
    let run = engine
        .client()
        .start::<tenant>("run", Undo::Hangs)
        .await
        .unwrap();
    run.signal(tenant::moves_out, true).await.unwrap();
    run.reaches(Status::Compensating).await.unwrap();
    run.cancel().abandon_rollback().await.unwrap();
    let error = run.result().await.unwrap_err();
    assert!(error.to_string().contains("moved out"), "{error}");
    assert_eq!(not_undone(&error), ["lease", "take"]);
    engine.shutdown().await.unwrap();
}

#[tokio::test]
async fn a_parked_rollback_is_abandoned_without_a_build_that_fits() {
    let world = World::default();
    let engine = world.engine().await;
    let run = tenant_that_rolls_back(&engine, "run", Undo::Fails).await;
    let lease_ends = async || {
        world
            .book
            .lines()
            .iter()
            .any(|line| line.starts_with("end lease"))
    };
    while !lease_ends().await {
        tokio::task::yield_now().await;
    }
    drop(run);
    engine.shutdown().await.unwrap();
    // A build in which a workflow of this name has none of the steps.
    let engine = world.build::<sleeper>("tenant").await;
    let run = engine.client().attach_by_id("run").await.unwrap();
    let error = run.result_json().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Parked);
    run.cancel().abandon_rollback().await.unwrap();
    while run.reaches(Status::Failed).await.unwrap() != Status::Failed {
        tokio::task::yield_now().await;
    }
    let error = run.result_json().await.unwrap_err();
    assert_eq!(not_undone(&error), ["lease", "take"]);
    engine.shutdown().await.unwrap();
}

#[durable::workflow]
async fn ticker(ctx: &Ctx, _input: ()) -> durable::Result<()> {
    ctx.step("take", async |_| Ok::<_, String>("it".to_owned()))
        .compensate(give_back)
        .await?;
    for _ in 0..100 {
        ctx.step("tick", async |_| Ok::<_, String>(())).await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_run_whose_journal_is_full_is_canceled_and_undone() {
    let world = World::default();
    let mut limits = Limits::default();
    limits.history_max = 20;
    let engine = world.start(Engine::builder().limits(limits)).await;
    let run = engine.client().start::<ticker>("run", ()).await.unwrap();
    assert_eq!(run.result().await.unwrap_err().kind(), ErrorKind::Parked);
    run.cancel().await.unwrap();
    while run.reaches(Status::Canceled).await.unwrap() != Status::Canceled {
        tokio::task::yield_now().await;
    }
    assert_eq!(world.book.lines(), ["give back it"]);
    engine.shutdown().await.unwrap();
}
