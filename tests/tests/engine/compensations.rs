//! What a compensation is given: time, attempts, and what it has to know.

use std::time::Duration;

use durable::{ErrorKind, FailureKind, prelude::*, testing::VirtualClock};

use super::world::{Book, World, history};

const SECOND: Duration = Duration::from_secs(1);

#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
struct Order {
    customer: String,
    /// How often a compensation hangs before it succeeds.
    hangs: u32,
}

#[durable::workflow]
async fn order(ctx: &Ctx, input: Order) -> durable::Result<()> {
    let id = ctx
        .step("reserve", async |_| Ok::<_, String>("r-1".to_owned()))
        .await?;
    ctx.step("charge", |_| async { Ok::<_, String>(input.hangs) })
        .compensate(refund)
        .await?;
    ctx.step("ship", async |_| {
        Err::<(), _>(StepError::new(format!("no {id}")).permanent())
    })
    .await?;
    Ok(())
}

#[durable::compensate(
    retry = Retry::linear().initial_delay(5 * SECOND).jitter(0.0).max_attempts(4),
    timeout = Duration::from_secs(30),
)]
async fn refund(step: &StepCtx, hangs: u32) -> durable::Result<()> {
    let input: Order = step.input()?;
    let reserved: Option<String> = step.result("reserve")?;
    let shipped: Option<()> = step.result("ship")?;
    let cause = step.cause().map(|failure| failure.message().to_owned());
    let (customer, attempt) = (input.customer, step.attempt());
    step.state::<Book>().write(format!(
        "{attempt}: {customer}, {reserved:?}, {shipped:?}, {cause:?}, {}",
        step.is_canceled()
    ));
    if attempt <= hangs {
        step.state::<VirtualClock>().sleep(Duration::MAX).await;
    }
    Ok(())
}

fn input(hangs: u32) -> Order {
    Order {
        customer: "Ada".to_owned(),
        hangs,
    }
}

fn line(attempt: u32) -> String {
    format!("{attempt}: Ada, Some(\"r-1\"), None, Some(\"no r-1\"), false")
}

#[tokio::test]
async fn a_compensation_reads_the_input_results_and_the_cause_and_has_time_and_attempts_of_its_own()
{
    let world = World::default();
    let before = durable::Clock::now(&world.clock);
    let engine = world.engine().await;
    let run = engine
        .client()
        .start::<order>("run", input(2))
        .await
        .unwrap();
    let error = run.result().await.unwrap_err();
    assert!(
        error.failure().unwrap().compensations().is_empty(),
        "{error}"
    );
    assert_eq!(world.book.lines(), [line(1), line(2), line(3)]);
    // Twice thirty seconds, and waits of five and of ten.
    assert_eq!(durable::Clock::now(&world.clock).since(before), 75 * SECOND);
    engine.shutdown().await.unwrap();
}

#[tokio::test]
async fn a_compensation_that_hangs_each_time_ends_and_is_named() {
    let world = World::default();
    let engine = world.engine().await;
    let run = engine
        .client()
        .start::<order>("run", input(100))
        .await
        .unwrap();
    let error = run.result().await.unwrap_err();
    let [failure] = error.failure().unwrap().compensations() else {
        panic!("{error}");
    };
    assert_eq!(
        (failure.kind(), failure.attempts()),
        (FailureKind::Timeout, 4)
    );
    engine.shutdown().await.unwrap();
}

#[tokio::test]
async fn attempts_of_a_compensation_are_counted_over_restarts() {
    let world = World::default();
    for attempt in 1..=6 {
        let engine = world.engine().await;
        if attempt == 1 {
            engine
                .client()
                .start::<order>("run", input(6))
                .await
                .unwrap();
        }
        // The next worker takes the run up when it has seen the lease of the last one end.
        while world.book.lines().len() < attempt {
            world.clock.advance(SECOND).await;
        }
        drop(engine);
    }
    let engine = world.engine().await;
    let run = engine.client().attach::<order>("run").await.unwrap();
    // What a crash cuts off counts, and never makes the engine give up.
    let error = run.result().await.unwrap_err();
    assert!(
        error.failure().unwrap().compensations().is_empty(),
        "{error}"
    );
    assert_eq!(world.book.lines(), (1..=7).map(line).collect::<Vec<_>>());
    let journal = history(&engine, "run").await;
    assert_eq!(journal.last().unwrap(), "failed");
    engine.shutdown().await.unwrap();
}

/// The same operations, with other types.
#[durable::workflow]
async fn changed(ctx: &Ctx, input: Order) -> durable::Result<()> {
    ctx.step("reserve", async |_| Ok::<_, String>("r-1".to_owned()))
        .await?;
    ctx.step("charge", |_| async { Ok::<_, String>(vec![input.hangs]) })
        .compensate(refund_each)
        .await?;
    ctx.step("ship", async |_| Ok::<_, String>(())).await?;
    Ok(())
}

#[durable::compensate]
async fn refund_each(_step: &StepCtx, _paid: Vec<u32>) -> Result<(), String> {
    Ok(())
}

/// The same operations, with a compensation that looks for what is not there.
#[durable::workflow]
async fn misled(ctx: &Ctx, input: Order) -> durable::Result<()> {
    ctx.step("reserve", async |_| Ok::<_, String>("r-1".to_owned()))
        .await?;
    ctx.step("charge", |_| async { Ok::<_, String>(input.hangs) })
        .compensate(refund_misled)
        .await?;
    ctx.step("ship", async |_| {
        Err::<(), _>(StepError::new("no").permanent())
    })
    .await?;
    Ok(())
}

#[durable::compensate]
async fn refund_misled(step: &StepCtx, _paid: u32) -> durable::Result<()> {
    let _: Option<u32> = step.result("reserve")?;
    Ok(())
}

#[tokio::test]
async fn what_a_compensation_cannot_read_parks_the_run_until_a_build_can() {
    let world = World::default();
    let engine = world.build::<order>("orders").await;
    let json = serde_json::to_string(&input(100)).unwrap();
    let run = engine
        .client()
        .start_by_name("orders", "run", &json)
        .await
        .unwrap();
    while world.book.lines().is_empty() {
        tokio::task::yield_now().await;
    }
    drop((run, engine));
    world.clock.advance(Duration::from_secs(20)).await;
    // More often than a compensation is tried.
    for _ in 0..6 {
        let engine = world.build::<changed>("orders").await;
        let run = engine.client().attach_by_id("run").await.unwrap();
        let error = run.result_json().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Parked, "{error}");
        assert!(
            error.to_string().contains("a value for `charge`"),
            "{error}"
        );
        engine.shutdown().await.unwrap();
        let engine = world.build::<misled>("orders").await;
        let run = engine.client().attach_by_id("run").await.unwrap();
        let error = run.result_json().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Parked, "{error}");
        assert!(
            error.to_string().contains("the result of `reserve`"),
            "{error}"
        );
        engine.shutdown().await.unwrap();
    }
    let lines = world.book.lines().len();
    let engine = world.build::<order>("orders").await;
    while world.book.lines().len() == lines {
        tokio::task::yield_now().await;
    }
    engine.shutdown().await.unwrap();
}

/// It pays, and what it gives cannot be recorded.
#[durable::workflow]
async fn unwritable(ctx: &Ctx, _input: ()) -> durable::Result<f64> {
    let mean = ctx
        .step("pay", async |step| {
            step.state::<Book>().write("pay");
            Ok::<_, String>(f64::NAN)
        })
        .compensate(refund_mean)
        .await?;
    Ok(mean)
}

#[durable::compensate]
async fn refund_mean(step: &StepCtx, mean: Outcome<f64>) -> Result<(), String> {
    step.state::<Book>().write(format!("refund {mean:?}"));
    Ok(())
}

#[tokio::test]
async fn a_step_whose_output_cannot_be_recorded_is_undone() {
    let world = World::default();
    let engine = world.engine().await;
    let run = engine
        .client()
        .start::<unwritable>("run", ())
        .await
        .unwrap();
    let error = run.result().await.unwrap_err();
    assert_eq!(
        error.failure().unwrap().kind(),
        FailureKind::Payload,
        "{error}"
    );
    assert_eq!(world.book.lines(), ["pay", "refund Completed(NaN)"]);
    engine.shutdown().await.unwrap();
}
