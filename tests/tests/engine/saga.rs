//! Rollback: what was done is undone, in reverse, whatever happens on the way.

use std::time::Duration;

use durable::{
    ErrorKind, FailureKind, Status, prelude::*, store::MemoryStore, testing::VirtualClock,
};

use super::world::{Book, World, history};

const DAY: Duration = Duration::from_secs(86_400);

/// Which compensation fails, and how often.
#[derive(Debug, Clone, Copy, serde::Serialize, serde::Deserialize)]
struct Trip {
    /// Fails after all bookings; waits to be canceled otherwise.
    fails: bool,
    /// How many attempts to cancel the hotel fail.
    hotel_failures: u32,
}

#[durable::workflow]
async fn trip(ctx: &Ctx, input: Trip) -> durable::Result<()> {
    let hotel_failures = input.hotel_failures;
    ctx.step("flight", |step| book(step, 0))
        .compensate(undo)
        .await?;
    ctx.step("hotel", |step| book(step, hotel_failures))
        .compensate(undo)
        .await?;
    ctx.step("note", |step| book(step, 0)).await?;
    ctx.step("car", |step| book(step, 0))
        .compensate(undo)
        .await?;
    if input.fails {
        ctx.step("pay", async |_| {
            Err::<(), _>(StepError::new("no money").permanent())
        })
        .await?;
    }
    ctx.sleep("stay", DAY).await?;
    Ok(())
}

async fn book(step: StepCtx, failures: u32) -> Result<u32, std::io::Error> {
    step.state::<Book>()
        .write(format!("book {}", step.step_id()));
    Ok(failures)
}

#[durable::compensate]
async fn undo(step: &StepCtx, failures: u32) -> Result<(), std::io::Error> {
    let line = format!("undo {} {}", step.step_id(), step.attempt());
    step.state::<Book>().write(line);
    if step.attempt() <= failures {
        return Err(std::io::Error::other("the hotel does not answer"));
    }
    Ok(())
}

const BOOKED: [&str; 4] = ["book flight", "book hotel", "book note", "book car"];

fn lines(undone: &[&str]) -> Vec<String> {
    BOOKED
        .iter()
        .chain(undone)
        .map(ToString::to_string)
        .collect()
}

#[tokio::test]
async fn a_failure_undoes_completed_steps_in_reverse_order() {
    let world = World::default();
    let engine = world.engine().await;
    let input = Trip {
        fails: true,
        hotel_failures: 0,
    };
    let run = engine.client().start::<trip>("run", input).await.unwrap();
    let error = run.result().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Failed);
    assert_eq!(error.failure().unwrap().message(), "no money");
    assert!(error.to_string().contains("`run`") && error.to_string().contains("`pay`"));
    assert_eq!(
        world.book.lines(),
        lines(&["undo car 1", "undo hotel 1", "undo flight 1"])
    );
    assert_eq!(
        history(&engine, "run").await[5..],
        [
            "step_started car",
            "step_completed car",
            "step_failed pay",
            "rollback_started",
            "compensation_started car",
            "compensated car",
            "compensation_started hotel",
            "compensated hotel",
            "compensation_started flight",
            "compensated flight",
            "failed"
        ]
    );
    engine.shutdown().await.unwrap();
}

#[tokio::test]
async fn a_compensation_is_tried_again() {
    let world = World::default();
    let engine = world.engine().await;
    let input = Trip {
        fails: true,
        hotel_failures: 3,
    };
    let run = engine.client().start::<trip>("run", input).await.unwrap();
    let error = run.result().await.unwrap_err();
    assert!(error.failure().unwrap().compensations().is_empty());
    assert_eq!(
        world.book.lines(),
        lines(&[
            "undo car 1",
            "undo hotel 1",
            "undo hotel 2",
            "undo hotel 3",
            "undo hotel 4",
            "undo flight 1"
        ])
    );
    engine.shutdown().await.unwrap();
}

#[tokio::test]
async fn a_compensation_that_fails_for_good_is_named_and_the_others_still_run() {
    let world = World::default();
    let engine = world.engine().await;
    let input = Trip {
        fails: true,
        hotel_failures: 1_000,
    };
    let run = engine.client().start::<trip>("run", input).await.unwrap();
    let error = run.result().await.unwrap_err();
    let failure = error.failure().unwrap();
    assert_eq!(failure.message(), "no money");
    let [compensation] = failure.compensations() else {
        panic!("{failure}");
    };
    assert_eq!(compensation.step().unwrap().as_str(), "hotel");
    assert!(error.to_string().contains("no money"), "{error}");
    assert!(
        error.to_string().contains("the hotel does not answer"),
        "{error}"
    );
    let lines = world.book.lines();
    assert_eq!(lines.last().unwrap(), "undo flight 1");
    assert_eq!(
        lines
            .iter()
            .filter(|line| line.starts_with("undo hotel"))
            .count(),
        10
    );
    let status = run.status().await.unwrap();
    assert_eq!(
        (status.status, status.failure.as_ref()),
        (Status::Failed, Some(failure))
    );
    engine.shutdown().await.unwrap();
}

#[tokio::test]
async fn a_cancellation_undoes_too() {
    let world = World::default();
    let engine = world.engine().await;
    let input = Trip {
        fails: false,
        hotel_failures: 1,
    };
    let run = engine.client().start::<trip>("run", input).await.unwrap();
    run.reaches(Status::Suspended).await.unwrap();
    run.cancel().await.unwrap();
    let error = run.result().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Canceled);
    assert_eq!(
        world.book.lines(),
        lines(&[
            "undo car 1",
            "undo hotel 1",
            "undo hotel 2",
            "undo flight 1"
        ])
    );
    assert_eq!(run.cancel().await.unwrap_err().kind(), ErrorKind::Ended);
    engine.shutdown().await.unwrap();
}

#[tokio::test]
async fn a_rollback_goes_on_in_another_process() {
    let world = World::default();
    let engine = world.engine().await;
    let input = Trip {
        fails: true,
        hotel_failures: 2,
    };
    let run = engine.client().start::<trip>("run", input).await.unwrap();
    // Nobody awaits the result: the clock stands, and the rollback waits for its second attempt.
    while world.book.lines().len() < 6 {
        run.reaches(Status::Compensating).await.unwrap();
        tokio::task::yield_now().await;
    }
    drop(engine);
    world.clock.advance(Duration::from_secs(60)).await;
    let engine = world.engine().await;
    let run = engine.client().attach::<trip>("run").await.unwrap();
    run.result().await.unwrap_err();
    let lines = world.book.lines();
    let undone: std::collections::BTreeSet<_> = lines[4..].iter().collect();
    assert_eq!(
        undone.into_iter().collect::<Vec<_>>(),
        [
            "undo car 1",
            "undo flight 1",
            "undo hotel 1",
            "undo hotel 2",
            "undo hotel 3"
        ]
    );
    let compensated = history(&engine, "run").await;
    for step in ["car", "hotel", "flight"] {
        let event = format!("compensated {step}");
        assert_eq!(
            compensated.iter().filter(|e| **e == event).count(),
            1,
            "{compensated:?}"
        );
    }
    engine.shutdown().await.unwrap();
}

#[durable::workflow]
async fn side_trip(ctx: &Ctx, _input: ()) -> durable::Result<()> {
    durable::try_join!(
        ctx.step("one", |step| book(step, 0)).compensate(undo),
        ctx.step("two", |step| slow_book(step, 5)).compensate(undo),
        ctx.step("three", |step| slow_book(step, 1))
            .compensate(undo),
    )?;
    Err("changed my mind".into())
}

async fn slow_book(step: StepCtx, seconds: u64) -> Result<u32, std::io::Error> {
    let clock = step.state::<VirtualClock>();
    clock.sleep(Duration::from_secs(seconds)).await;
    book(step, 0).await
}

#[tokio::test]
async fn steps_side_by_side_are_undone_in_reverse_order_of_their_completion() {
    let world = World::default();
    let engine = world.engine().await;
    let run = engine.client().start::<side_trip>("run", ()).await.unwrap();
    let error = run.result().await.unwrap_err();
    assert_eq!(error.failure().unwrap().message(), "changed my mind");
    assert_eq!(
        world.book.lines(),
        [
            "book one",
            "book three",
            "book two",
            "undo two 1",
            "undo three 1",
            "undo one 1"
        ]
    );
    engine.shutdown().await.unwrap();
}

#[durable::workflow]
async fn polite(ctx: &Ctx, _input: ()) -> durable::Result<()> {
    ctx.step("first", |step| book(step, 0))
        .compensate(undo)
        .await?;
    ctx.step("work", wind_down).compensate(undo).await?;
    ctx.step("never", |step| book(step, 0)).await?;
    Ok(())
}

async fn wind_down(step: StepCtx) -> Result<u32, std::io::Error> {
    step.state::<Book>().write("begun");
    step.canceled().await;
    step.state::<Book>().write("told");
    Ok(0)
}

#[tokio::test]
async fn a_running_step_is_told_of_the_cancellation_and_what_it_did_is_undone() {
    let world = World::default();
    let engine = world.engine().await;
    let run = engine.client().start::<polite>("run", ()).await.unwrap();
    while !world.book.lines().contains(&"begun".to_owned()) {
        tokio::task::yield_now().await;
    }
    run.cancel().await.unwrap();
    assert_eq!(run.result().await.unwrap_err().kind(), ErrorKind::Canceled);
    assert_eq!(
        world.book.lines(),
        ["book first", "begun", "told", "undo work 1", "undo first 1"]
    );
    engine.shutdown().await.unwrap();
}

#[durable::workflow]
async fn handled(ctx: &Ctx, _input: ()) -> durable::Result<String> {
    ctx.step("kept", |step| book(step, 0))
        .compensate(undo)
        .await?;
    let failed = ctx
        .step("tried", async |_| {
            Err::<(), _>(StepError::new("no").permanent())
        })
        .await;
    Ok(format!("went on: {}", failed.is_err()))
}

#[tokio::test]
async fn a_failure_that_the_workflow_handles_undoes_nothing() {
    let world = World::default();
    let engine = world.engine().await;
    let run = engine.client().start::<handled>("run", ()).await.unwrap();
    assert_eq!(run.result().await.unwrap(), "went on: true");
    assert_eq!(world.book.lines(), ["book kept"]);
    engine.shutdown().await.unwrap();
}

#[tokio::test]
async fn a_run_canceled_while_nobody_works_is_undone_by_the_next_worker() {
    let world = World::default();
    let engine = world.engine().await;
    let input = Trip {
        fails: false,
        hotel_failures: 0,
    };
    let run = engine.client().start::<trip>("run", input).await.unwrap();
    run.reaches(Status::Suspended).await.unwrap();
    engine.shutdown().await.unwrap();
    // A process that works on nothing passes the request on.
    let clerk = world.build::<handled>("other").await;
    clerk.client().cancel("run").await.unwrap();
    clerk.shutdown().await.unwrap();
    let engine = world.engine().await;
    let run = engine.client().attach::<trip>("run").await.unwrap();
    assert_eq!(run.result().await.unwrap_err().kind(), ErrorKind::Canceled);
    assert_eq!(world.book.lines().len(), 4 + 3);
    engine.shutdown().await.unwrap();
}

#[tokio::test]
async fn failures_keep_their_kind_through_a_rollback() {
    let world = World {
        store: MemoryStore::new(),
        ..World::default()
    };
    let engine = world.engine().await;
    let input = Trip {
        fails: true,
        hotel_failures: 0,
    };
    let run = engine.client().start::<trip>("run", input).await.unwrap();
    let error = run.result().await.unwrap_err();
    assert_eq!(error.failure().unwrap().kind(), FailureKind::Application);
    engine.shutdown().await.unwrap();
}
