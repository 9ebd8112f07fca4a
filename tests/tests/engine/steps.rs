//! Steps: attempts, retries, timeouts, and what is recorded of them.

use std::time::Duration;

use durable::{FailureKind, journal::EventKind, prelude::*, testing::VirtualClock};

use super::world::{Book, World, count, history};

const STEADY: Retry = Retry::exponential()
    .initial_delay(Duration::from_secs(10))
    .jitter(0.0);

/// Fails with `error` until attempt number `succeeds_at`.
#[derive(Debug, Clone, Copy, serde::Serialize, serde::Deserialize)]
struct Flaky {
    succeeds_at: u32,
    how: How,
}

#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
enum How {
    Error,
    Panic,
    Permanent,
    After,
    Hang,
}

async fn try_it(step: StepCtx, flaky: Flaky) -> Result<u32, StepError> {
    step.state::<Book>().write(step.idempotency_key());
    if step.attempt() >= flaky.succeeds_at {
        return Ok(step.attempt());
    }
    let error =
        StepError::new(std::io::Error::other("the provider is down")).details(&step.attempt());
    match flaky.how {
        How::Error => Err(error),
        How::Panic => panic!("the provider is down"),
        How::Permanent => Err(error.permanent()),
        How::After => Err(error.retry_after(Duration::from_secs(3_600))),
        How::Hang => {
            step.state::<VirtualClock>().sleep(Duration::MAX).await;
            Err(error)
        }
    }
}

#[durable::workflow]
async fn flaky(ctx: &Ctx, input: Flaky) -> durable::Result<u32> {
    let attempts = ctx
        .step("call", |step| try_it(step, input))
        .retry(STEADY.max_attempts(4))
        .timeout(Duration::from_secs(5))
        .await?;
    Ok(attempts)
}

/// Runs `flaky` to its end; gives the result, the attempts that were made and the seconds it took.
async fn outcome(succeeds_at: u32, how: How) -> (Result<u32, Failure>, usize, u64) {
    let world = World::default();
    let begun = durable::Clock::now(&world.clock);
    let engine = world.engine().await;
    let input = Flaky { succeeds_at, how };
    let run = engine.client().start::<flaky>("run", input).await.unwrap();
    let result = run.result().await.map_err(|e| e.failure().unwrap().clone());
    let seconds = durable::Clock::now(&world.clock).since(begun).as_secs();
    let keys = world.book.lines();
    assert!(keys.iter().all(|key| *key == keys[0]), "{keys:?}");
    let failed = |kind: &EventKind| matches!(kind, EventKind::StepAttemptFailed { .. });
    let ended = |kind: &EventKind| {
        matches!(
            kind,
            EventKind::StepCompleted { .. } | EventKind::StepFailed { .. }
        )
    };
    assert_eq!(count(&engine, "run", ended).await, 1);
    assert_eq!(count(&engine, "run", failed).await, keys.len() - 1);
    engine.shutdown().await.unwrap();
    (result, keys.len(), seconds)
}

#[tokio::test]
async fn a_step_is_tried_again_after_each_delay_of_its_policy() {
    let (result, attempts, seconds) = outcome(4, How::Error).await;
    assert_eq!((result.unwrap(), attempts, seconds), (4, 4, 10 + 20 + 40));
}

#[tokio::test]
async fn a_step_that_uses_up_its_attempts_fails_with_all_that_is_known() {
    let (result, attempts, seconds) = outcome(5, How::Error).await;
    let failure = result.unwrap_err();
    assert_eq!((attempts, seconds), (4, 70));
    assert_eq!(failure.kind(), FailureKind::Application);
    assert_eq!(failure.attempts(), 4);
    assert_eq!(failure.step().unwrap().as_str(), "call");
    assert_eq!(failure.details::<u32>().unwrap(), Some(4));
    assert_eq!(
        failure.to_string(),
        "step `call` failed after 4 attempts: the provider is down"
    );
}

#[tokio::test]
async fn a_permanent_error_is_not_tried_again() {
    let (result, attempts, seconds) = outcome(9, How::Permanent).await;
    assert!(!result.unwrap_err().is_retryable());
    assert_eq!((attempts, seconds), (1, 0));
}

#[tokio::test]
async fn an_error_that_asks_for_a_delay_gets_it() {
    let (result, attempts, seconds) = outcome(2, How::After).await;
    assert_eq!((result.unwrap(), attempts, seconds), (2, 2, 3_600));
}

#[tokio::test]
async fn a_panic_is_a_failed_attempt() {
    let (result, attempts, _) = outcome(3, How::Panic).await;
    assert_eq!((result.unwrap(), attempts), (3, 3));
    let (result, attempts, _) = outcome(9, How::Panic).await;
    let failure = result.unwrap_err();
    assert_eq!((failure.kind(), attempts), (FailureKind::Panicked, 4));
    assert!(
        failure.message().contains("the provider is down"),
        "{failure}"
    );
}

#[tokio::test]
async fn an_attempt_that_takes_too_long_is_dropped_and_has_failed() {
    let (result, attempts, seconds) = outcome(3, How::Hang).await;
    assert_eq!(
        (result.unwrap(), attempts, seconds),
        (3, 3, 5 + 10 + 5 + 20)
    );
    let (result, ..) = outcome(9, How::Hang).await;
    let failure = result.unwrap_err();
    assert_eq!(failure.kind(), FailureKind::Timeout);
    assert!(failure.message().contains("5s"), "{failure}");
}

#[durable::workflow]
async fn stubborn(ctx: &Ctx, _input: ()) -> durable::Result<String> {
    let failed = ctx
        .step("call", async |_| {
            Err::<u32, _>(StepError::new("no").details(&"why"))
        })
        .retry(
            STEADY
                .max_attempts(2)
                .unless(|failure| failure.message() == "no"),
        )
        .await;
    let failure = failed.unwrap_err();
    ctx.sleep("nap", Duration::from_secs(86_400)).await?;
    let details: String = failure.details()?.unwrap_or_default();
    Ok(format!("{failure}; {details}; {}", failure.attempts()))
}

#[tokio::test]
async fn a_failure_is_the_same_on_replay() {
    let world = World::default();
    let engine = world.engine().await;
    let run = engine.client().start::<stubborn>("run", ()).await.unwrap();
    // The sleep lets the run leave memory: the result is of a replay.
    assert_eq!(
        run.result().await.unwrap(),
        "step `call` failed: no; why; 1"
    );
    engine.shutdown().await.unwrap();
}

#[durable::workflow]
async fn large(ctx: &Ctx, bytes: usize) -> durable::Result<String> {
    let failed = ctx
        .step("large", |step| async move {
            step.state::<Book>().write("large");
            Ok::<_, String>("x".repeat(bytes))
        })
        .await;
    match failed {
        Ok(text) => Ok(text),
        Err(failure) => Ok(format!("{:?}: {}", failure.kind(), failure)),
    }
}

#[tokio::test]
async fn an_output_beyond_the_limit_fails_its_step_and_is_not_tried_again() {
    let world = World::default();
    let engine = world.engine().await;
    let client = engine.client();
    let run = client.start::<large>("run", 3 << 20).await.unwrap();
    let text = run.result().await.unwrap();
    assert!(text.starts_with("Payload: step `large` failed"), "{text}");
    assert!(text.contains("2097152"), "{text}");
    assert_eq!(world.book.lines(), ["large"]);
    let fits = client.start::<large>("fits", 2_000_000).await.unwrap();
    assert_eq!(fits.result().await.unwrap().len(), 2_000_000);
    engine.shutdown().await.unwrap();
}

#[durable::workflow]
async fn chance(ctx: &Ctx, _input: ()) -> durable::Result<Vec<String>> {
    let mut seen = Vec::new();
    for _ in 0..3 {
        seen.push(format!("{:?} {} {}", ctx.now(), ctx.uuid(), ctx.random()));
        ctx.sleep("nap", Duration::from_secs(86_400)).await?;
    }
    let recorded = ctx
        .step("record", |_| {
            let seen = seen.clone();
            async move { Ok::<_, String>(seen) }
        })
        .await?;
    ctx.sleep("rest", Duration::from_secs(86_400)).await?;
    assert_eq!(recorded, seen);
    Ok(seen)
}

#[tokio::test]
async fn time_ids_and_random_numbers_are_the_same_on_replay_and_differ_by_run() {
    let world = World::default();
    let engine = world.engine().await;
    let one = engine.client().start::<chance>("one", ()).await.unwrap();
    let two = engine.client().start::<chance>("two", ()).await.unwrap();
    let (one, two) = (one.result().await.unwrap(), two.result().await.unwrap());
    let all: std::collections::BTreeSet<_> = one.iter().chain(&two).collect();
    assert_eq!(all.len(), 6, "{all:?}");
    engine.shutdown().await.unwrap();
}

#[durable::workflow]
async fn looping(ctx: &Ctx, rounds: u32) -> durable::Result<u32> {
    let mut total = 0;
    for round in 0..rounds {
        total += ctx
            .step("add", |_| async move { Ok::<_, String>(round) })
            .await?;
    }
    Ok(total)
}

#[tokio::test]
async fn a_name_in_a_loop_counts_up() {
    let world = World::default();
    let engine = world.engine().await;
    let run = engine.client().start::<looping>("run", 3).await.unwrap();
    assert_eq!(run.result().await.unwrap(), 3);
    assert_eq!(
        history(&engine, "run").await,
        [
            "step_completed add",
            "step_completed add#1",
            "step_completed add#2",
            "completed"
        ]
    );
    engine.shutdown().await.unwrap();
}
