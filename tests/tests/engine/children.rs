//! Child runs: results, failures and cancellations, both ways.

use std::time::Duration;

use durable::{ErrorKind, FailureKind, Status, prelude::*};

use super::world::{Book, World};

const DAY: Duration = Duration::from_secs(86_400);

#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
enum Task {
    Give(u32),
    Fail,
    Wait,
}

#[durable::workflow]
async fn worker(ctx: &Ctx, task: Task) -> durable::Result<u32> {
    ctx.step("prepare", async |step| {
        step.state::<Book>()
            .write(format!("prepare {}", step.run_id()));
        Ok::<_, String>(())
    })
    .compensate(clean_up)
    .await?;
    match task {
        Task::Give(number) => Ok(number),
        Task::Fail => Err("out of order".into()),
        Task::Wait => Ok(ctx.signal::<u32>("go").await?),
    }
}

#[durable::compensate]
async fn clean_up(step: &StepCtx, _nothing: ()) -> Result<(), String> {
    step.state::<Book>()
        .write(format!("clean up {}", step.run_id()));
    Ok(())
}

#[durable::workflow]
async fn boss(ctx: &Ctx, tasks: Vec<Task>) -> durable::Result<Vec<u32>> {
    let mut all = Vec::new();
    for task in tasks {
        all.push(ctx.child::<worker>("work", task).await?);
    }
    ctx.sleep("rest", DAY).await?;
    Ok(all)
}

#[tokio::test]
async fn a_child_gives_its_result_to_its_parent() {
    let world = World::default();
    let engine = world.engine().await;
    let tasks = vec![Task::Give(1), Task::Give(2)];
    let run = engine.client().start::<boss>("run", tasks).await.unwrap();
    assert_eq!(run.result().await.unwrap(), [1, 2]);
    let status = run.status().await.unwrap();
    let mut ids: Vec<_> = status.children.iter().map(|c| c.id.as_str()).collect();
    ids.sort_unstable();
    assert_eq!(ids, ["run/work", "run/work#1"]);
    for child in &status.children {
        assert_eq!(child.step.as_ref().unwrap().name(), "work");
        assert_eq!(child.status, Status::Completed);
    }
    engine.shutdown().await.unwrap();
}

#[tokio::test]
async fn a_childs_failure_is_its_parents() {
    let world = World::default();
    let engine = world.engine().await;
    let run = engine
        .client()
        .start::<boss>("run", vec![Task::Fail])
        .await
        .unwrap();
    let error = run.result().await.unwrap_err();
    let failure = error.failure().unwrap();
    assert_eq!(failure.message(), "out of order");
    assert_eq!(failure.step().unwrap().as_str(), "work");
    assert_eq!(
        world.book.lines(),
        ["prepare run/work", "clean up run/work"]
    );
    engine.shutdown().await.unwrap();
}

#[durable::workflow]
async fn calm_boss(ctx: &Ctx, task: Task) -> durable::Result<String> {
    match ctx.child::<worker>("work", task).await {
        Ok(number) => Ok(number.to_string()),
        Err(failure) => Ok(format!("{:?}", failure.kind())),
    }
}

#[tokio::test]
async fn a_parent_may_live_with_what_became_of_its_child() {
    let world = World::default();
    let engine = world.engine().await;
    let client = engine.client();
    let failing = client
        .start::<calm_boss>("failing", Task::Fail)
        .await
        .unwrap();
    assert_eq!(
        failing.result().await.unwrap(),
        format!("{:?}", FailureKind::Application)
    );

    let canceled = client
        .start::<calm_boss>("canceled", Task::Wait)
        .await
        .unwrap();
    canceled.reaches(Status::Suspended).await.unwrap();
    client.cancel("canceled/work").await.unwrap();
    assert_eq!(
        canceled.result().await.unwrap(),
        format!("{:?}", FailureKind::Canceled)
    );
    engine.shutdown().await.unwrap();
}

#[tokio::test]
async fn a_cancellation_reaches_children_of_children() {
    let world = World::default();
    let engine = world.engine().await;
    let client = engine.client();
    let run = client.start::<grand_boss>("run", ()).await.unwrap();
    while world.book.lines().is_empty() {
        tokio::task::yield_now().await;
    }
    run.reaches(Status::Suspended).await.unwrap();
    run.cancel().await.unwrap();
    assert_eq!(run.result().await.unwrap_err().kind(), ErrorKind::Canceled);
    for id in ["run/boss", "run/boss/work"] {
        let child = client.attach_by_id(id).await.unwrap();
        assert_eq!(
            child.result_json().await.unwrap_err().kind(),
            ErrorKind::Canceled,
            "{id}"
        );
    }
    assert_eq!(
        world.book.lines(),
        ["prepare run/boss/work", "clean up run/boss/work"]
    );
    engine.shutdown().await.unwrap();
}

#[durable::workflow]
async fn grand_boss(ctx: &Ctx, _input: ()) -> durable::Result<Vec<u32>> {
    Ok(ctx.child::<boss>("boss", vec![Task::Wait]).await?)
}

#[durable::workflow]
async fn hasty(ctx: &Ctx, _input: ()) -> durable::Result<u32> {
    let first = durable::race!(
        ctx.child::<worker>("slow", Task::Wait),
        ctx.child::<worker>("quick", Task::Give(3)),
    )?;
    Ok(first)
}

#[tokio::test]
async fn a_child_that_lost_a_race_is_canceled() {
    let world = World::default();
    let engine = world.engine().await;
    let run = engine.client().start::<hasty>("run", ()).await.unwrap();
    assert_eq!(run.result().await.unwrap(), 3);
    let slow = engine.client().attach_by_id("run/slow").await.unwrap();
    assert_eq!(
        slow.result_json().await.unwrap_err().kind(),
        ErrorKind::Canceled
    );
    engine.shutdown().await.unwrap();
}

#[tokio::test]
async fn a_signal_reaches_a_child_by_its_id() {
    let world = World::default();
    let engine = world.engine().await;
    let client = engine.client();
    let run = client.start::<calm_boss>("run", Task::Wait).await.unwrap();
    run.reaches(Status::Suspended).await.unwrap();
    let child = client.attach::<worker>("run/work").await.unwrap();
    child.signal(worker::go, 5).await.unwrap();
    assert_eq!(run.result().await.unwrap(), "5");
    engine.shutdown().await.unwrap();
}

#[durable::workflow]
async fn crowd(ctx: &Ctx, count: u32) -> durable::Result<u32> {
    let all = durable::try_join_all(
        (0..count).map(|number| ctx.child::<worker>("work", Task::Give(number))),
    )
    .await?;
    Ok(all.into_iter().sum())
}

#[tokio::test]
async fn hundreds_of_children_go_side_by_side() {
    let world = World::default();
    let engine = world.engine().await;
    let run = engine.client().start::<crowd>("run", 300).await.unwrap();
    assert_eq!(run.result().await.unwrap(), (0..300).sum::<u32>());
    assert_eq!(world.book.lines().len(), 300);
    engine.shutdown().await.unwrap();
}

/// A chain of children that goes on until one cannot be started.
#[durable::workflow]
async fn nest(ctx: &Ctx, depth: u32) -> durable::Result<String> {
    if depth == 1_000 {
        return Ok("no bound".to_owned());
    }
    let deeper = ctx
        .child::<nest>("a_child_of_a_run_that_is_a_child", depth + 1)
        .await;
    // The run leaves memory here, and is replayed.
    ctx.sleep("rest", DAY).await?;
    match deeper {
        Ok(bottom) => Ok(bottom),
        Err(failure) => Ok(format!("{:?} at {depth}: {failure}", failure.kind())),
    }
}

#[tokio::test]
async fn a_child_whose_id_would_be_too_long_is_a_failure_of_its_operation() {
    let world = World::default();
    let engine = world.engine().await;
    let run = engine.client().start::<nest>("run", 0).await.unwrap();
    let bottom = run.result().await.unwrap();
    // Each level adds 33 bytes to the id, of 2,560 at the most.
    assert!(bottom.starts_with("Limit at 77: "), "{bottom}");
    assert!(bottom.contains("would have 2577 bytes"), "{bottom}");
    engine.shutdown().await.unwrap();
}
