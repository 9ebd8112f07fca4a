//! Code that does not fit a run never runs on: the run is parked, and goes on with a build that fits.

use std::time::Duration;

use durable::{ErrorKind, Limits, Status, prelude::*};

use super::world::{Book, World, history};

const DAY: Duration = Duration::from_secs(86_400);

async fn write(step: StepCtx, line: &str) -> Result<String, String> {
    step.state::<Book>().write(line);
    Ok(line.to_owned())
}

/// What the program was when the runs were started.
#[durable::workflow]
async fn first_build(ctx: &Ctx, _input: ()) -> durable::Result<String> {
    let charged = ctx.step("charge", |step| write(step, "charge")).await?;
    ctx.sleep("wait", DAY).await?;
    let shipped = ctx.step("ship", |step| write(step, "ship")).await?;
    Ok(charged + &shipped)
}

#[durable::workflow]
async fn renamed_step(ctx: &Ctx, _input: ()) -> durable::Result<String> {
    let charged = ctx.step("bill", |step| write(step, "bill")).await?;
    ctx.sleep("wait", DAY).await?;
    Ok(charged)
}

#[durable::workflow]
async fn reordered(ctx: &Ctx, _input: ()) -> durable::Result<String> {
    ctx.sleep("wait", DAY).await?;
    let charged = ctx
        .step("charge", |step| write(step, "charge again"))
        .await?;
    Ok(charged)
}

#[durable::workflow]
async fn inserted(ctx: &Ctx, _input: ()) -> durable::Result<String> {
    ctx.step("check", |step| write(step, "check")).await?;
    let charged = ctx
        .step("charge", |step| write(step, "charge again"))
        .await?;
    ctx.sleep("wait", DAY).await?;
    Ok(charged)
}

#[durable::workflow]
async fn other_kind(ctx: &Ctx, _input: ()) -> durable::Result<String> {
    ctx.sleep("charge", DAY).await?;
    ctx.sleep("wait", DAY).await?;
    Ok(String::new())
}

#[durable::workflow]
async fn other_type(ctx: &Ctx, _input: ()) -> durable::Result<u32> {
    let charged = ctx
        .step("charge", async |step| {
            step.state::<Book>().write("charge again");
            Ok::<u32, String>(1)
        })
        .await?;
    ctx.sleep("wait", DAY).await?;
    Ok(charged)
}

#[durable::workflow]
async fn ends_early(ctx: &Ctx, _input: ()) -> durable::Result<String> {
    let early = ctx.run_id().as_str() == "run";
    if !early {
        ctx.step("charge", |step| write(step, "charge again"))
            .await?;
        ctx.sleep("wait", DAY).await?;
    }
    Ok(String::new())
}

#[durable::workflow]
async fn panics(ctx: &Ctx, _input: ()) -> durable::Result<String> {
    let charged = ctx
        .step("charge", |step| write(step, "charge again"))
        .await?;
    ctx.sleep("wait", DAY).await?;
    assert!(charged.is_empty(), "not a number: {charged}");
    Ok(charged)
}

/// Starts a run with the first build, parks it with build `W`, and checks that nothing was done and
/// that the first build then ends it.
async fn parks<W: Workflow>(words: &[&str]) {
    let world = World::default();
    let engine = world.build::<first_build>("shop").await;
    let run = engine
        .client()
        .start_by_name("shop", "run", "null")
        .await
        .unwrap();
    run.reaches(Status::Suspended).await.unwrap();
    engine.shutdown().await.unwrap();
    world.clock.advance(DAY).await;

    let engine = world.build::<W>("shop").await;
    let run = engine.client().attach_by_id("run").await.unwrap();
    let error = run.result_json().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Parked, "{error}");
    for word in [
        "`run`",
        "recorded: ",
        "attempted: ",
        "where: ",
        "what to do: ",
        "parking.rs",
    ] {
        assert!(
            error.to_string().contains(word),
            "{word} is not in: {error}"
        );
    }
    for word in words {
        assert!(
            error.to_string().contains(word),
            "{word} is not in: {error}"
        );
    }
    let status = run.status().await.unwrap();
    assert_eq!(status.status, Status::Parked);
    assert!(error.to_string().contains(&status.reason.unwrap()));
    assert_eq!(world.book.lines(), ["charge"]);
    engine.shutdown().await.unwrap();

    let engine = world.build::<first_build>("shop").await;
    let run = engine.client().attach_by_id("run").await.unwrap();
    assert_eq!(run.result_json().await.unwrap(), "\"chargeship\"");
    assert_eq!(world.book.lines(), ["charge", "ship"]);
    assert_eq!(
        history(&engine, "run").await,
        [
            "step_completed charge",
            "timer_armed wait",
            "timer_fired wait",
            "step_completed ship",
            "completed"
        ]
    );
    engine.shutdown().await.unwrap();
}

#[tokio::test]
async fn a_renamed_step_parks() {
    parks::<renamed_step>(&["step_completed of `charge` at position 0"]).await;
}

#[tokio::test]
async fn a_changed_order_parks() {
    parks::<reordered>(&["step_completed of `charge` at position 0", "sleep `wait`"]).await;
}

#[tokio::test]
async fn a_step_before_recorded_ones_parks() {
    parks::<inserted>(&["step_completed of `charge` at position 0", "step `check`"]).await;
}

#[tokio::test]
async fn another_kind_of_operation_parks() {
    parks::<other_kind>(&["step_completed of `charge`", "`charge` as a sleep"]).await;
}

#[tokio::test]
async fn a_recorded_value_that_does_not_decode_parks() {
    parks::<other_type>(&["a value for `charge`", "serde(default)"]).await;
}

#[tokio::test]
async fn code_that_ends_before_its_journal_does_parks() {
    parks::<ends_early>(&["step_completed of `charge`", "to complete the run"]).await;
}

#[tokio::test]
async fn a_panic_in_a_body_parks() {
    parks::<panics>(&["the body panicked: not a number: charge", "after `wait`"]).await;
}

#[durable::workflow]
async fn unrelated(_ctx: &Ctx, _input: ()) -> durable::Result<()> {
    Ok(())
}

#[tokio::test]
async fn a_run_of_an_unknown_workflow_parks_with_the_known_names() {
    let world = World::default();
    let engine = world.build::<first_build>("shop").await;
    let run = engine
        .client()
        .start_by_name("shop", "run", "null")
        .await
        .unwrap();
    run.reaches(Status::Suspended).await.unwrap();
    engine.shutdown().await.unwrap();
    world.clock.advance(DAY).await;

    let engine = world.build::<unrelated>("market").await;
    let run = engine.client().attach_by_id("run").await.unwrap();
    let error = run.result_json().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Parked, "{error}");
    assert!(
        error.to_string().contains("`shop`") && error.to_string().contains("market"),
        "{error}"
    );
    engine.shutdown().await.unwrap();

    let engine = world.build::<first_build>("shop").await;
    let run = engine.client().attach_by_id("run").await.unwrap();
    assert_eq!(run.result_json().await.unwrap(), "\"chargeship\"");
    engine.shutdown().await.unwrap();
}

#[tokio::test]
async fn a_parked_run_can_be_canceled_and_is_undone() {
    let world = World::default();
    let engine = world.build::<with_undo>("shop").await;
    let run = engine
        .client()
        .start_by_name("shop", "run", "null")
        .await
        .unwrap();
    run.reaches(Status::Suspended).await.unwrap();
    engine.shutdown().await.unwrap();
    world.clock.advance(DAY).await;

    let engine = world.build::<with_undo_renamed>("shop").await;
    let run = engine.client().attach_by_id("run").await.unwrap();
    assert_eq!(
        run.result_json().await.unwrap_err().kind(),
        ErrorKind::Parked
    );
    run.cancel().await.unwrap();
    engine.shutdown().await.unwrap();

    let engine = world.build::<with_undo>("shop").await;
    let run = engine.client().attach_by_id("run").await.unwrap();
    assert_eq!(
        run.result_json().await.unwrap_err().kind(),
        ErrorKind::Canceled
    );
    assert_eq!(world.book.lines(), ["charge", "refund charge"]);
    engine.shutdown().await.unwrap();
}

#[durable::workflow]
async fn with_undo(ctx: &Ctx, _input: ()) -> durable::Result<()> {
    ctx.step("charge", |step| write(step, "charge"))
        .compensate(refund)
        .await?;
    ctx.sleep("wait", DAY).await?;
    Ok(())
}

#[durable::workflow]
async fn with_undo_renamed(ctx: &Ctx, _input: ()) -> durable::Result<()> {
    ctx.step("bill", |step| write(step, "bill")).await?;
    Ok(())
}

#[durable::compensate]
async fn refund(step: &StepCtx, what: String) -> Result<(), String> {
    step.state::<Book>().write(format!("refund {what}"));
    Ok(())
}

#[durable::workflow]
async fn brings_much(ctx: &Ctx, _input: ()) -> durable::Result<usize> {
    let first = ctx.step("first", |step| write(step, "first")).await?;
    let load = |step: StepCtx| async move { write(step, &"x".repeat(20_000)).await };
    let loads = durable::try_join_all((0..10).map(|_| ctx.step("load", load))).await?;
    Ok(first.len() + loads.iter().map(String::len).sum::<usize>())
}

#[tokio::test]
async fn more_than_can_be_written_at_once_parks() {
    let world = World::default();
    let mut limits = Limits::default();
    limits.commit_bytes_max = 100_000;
    let engine = world.start(Engine::builder().limits(limits)).await;
    let run = engine
        .client()
        .start::<brings_much>("run", ())
        .await
        .unwrap();
    let error = run.result().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Parked, "{error}");
    assert!(
        error.to_string().contains("`Limits::commit_bytes_max`"),
        "{error}"
    );
    assert_eq!(history(&engine, "run").await, ["step_completed first"]);
    engine.shutdown().await.unwrap();

    let engine = world.engine().await;
    let run = engine.client().attach::<brings_much>("run").await.unwrap();
    assert_eq!(run.result().await.unwrap(), 200_005);
    engine.shutdown().await.unwrap();
}
