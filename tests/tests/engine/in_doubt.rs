//! Steps that can be undone and are let go of while an attempt runs: told, waited for, and undone if they
//! completed or may have had their effect.

use std::time::Duration;

use durable::{ErrorKind, FailureKind, Limits, Status, prelude::*, testing::VirtualClock};

use super::world::{Book, World, count, history};

const SECOND: Duration = Duration::from_secs(1);
const GRACE: Duration = Duration::from_secs(10);

/// How a payment goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
enum Pay {
    /// It ends when it is told to: with its output, since it has paid.
    Polite,
    /// It does not listen, and takes five seconds after it has paid.
    Slow,
    /// It pays and never ends.
    Hangs,
    /// It pays and panics.
    Panics,
    /// It is declined.
    Declined,
    /// Its first attempt pays and hangs, and the others are declined.
    HangsFirst,
}

async fn pay(step: StepCtx, how: Pay) -> Result<u32, StepError> {
    let (book, clock) = (step.state::<Book>(), step.state::<VirtualClock>());
    if how == Pay::Declined || (how == Pay::HangsFirst && step.attempt() > 1) {
        return Err(StepError::new("declined").permanent());
    }
    book.write(format!("pay {}", step.step_id()));
    match how {
        Pay::Polite => {
            tokio::select! {
                () = step.canceled() => book.write("told"),
                () = clock.sleep(Duration::MAX) => {}
            }
        }
        Pay::Slow => clock.sleep(5 * SECOND).await,
        Pay::Panics => panic!("after it has paid"),
        _ => clock.sleep(Duration::MAX).await,
    }
    Ok(7)
}

#[durable::compensate]
async fn refund(step: &StepCtx, paid: Outcome<u32>) -> Result<(), String> {
    step.state::<Book>()
        .write(format!("refund {} {paid:?}", step.step_id()));
    Ok(())
}

#[durable::compensate]
async fn refund_known(step: &StepCtx, paid: u32) -> Result<(), String> {
    step.state::<Book>()
        .write(format!("refund {} {paid}", step.step_id()));
    Ok(())
}

/// Whoever waits for the payment gives up after a second.
#[durable::workflow]
async fn impatient(ctx: &Ctx, how: Pay) -> durable::Result<()> {
    durable::race! {
        paid = ctx.step("payment", |step| pay(step, how)).compensate(refund) => { paid?; },
        woken = ctx.sleep("patience", SECOND) => woken?,
    }
    ctx.step("note", async |step| {
        step.state::<Book>().write("note");
        Ok::<_, String>(())
    })
    .await?;
    Err("too late".into())
}

/// A part beside the payment fails.
#[durable::workflow]
async fn beside(ctx: &Ctx, how: Pay) -> durable::Result<()> {
    let failing = async {
        ctx.sleep("a_while", SECOND).await?;
        Err::<(), Failure>(Failure::new(FailureKind::Application, "out of stock"))
    };
    let payment = async {
        let payments = [ctx
            .step("payment", |step| pay(step, how))
            .compensate(refund)];
        for paid in durable::join_all(payments).await {
            paid?;
        }
        Ok(())
    };
    durable::try_join!(payment, failing)?;
    Ok(())
}

/// It is canceled.
#[durable::workflow]
async fn alone(ctx: &Ctx, how: Pay) -> durable::Result<u32> {
    Ok(ctx
        .step("payment", |step| pay(step, how))
        .compensate(refund)
        .await?)
}

/// Its attempts have a second each.
#[durable::workflow]
async fn timed(ctx: &Ctx, how: Pay) -> durable::Result<u32> {
    let step = ctx
        .step("payment", |step| pay(step, how))
        .timeout(SECOND)
        .retry(Retry::exponential().max_attempts(2))
        .compensate(refund);
    Ok(step.await?)
}

/// As `timed`, with a compensation that wants to know the output.
#[durable::workflow]
async fn strict(ctx: &Ctx, how: Pay) -> durable::Result<u32> {
    let step = ctx
        .step("payment", |step| pay(step, how))
        .timeout(SECOND)
        .retry(Retry::exponential().max_attempts(2))
        .compensate(refund_known);
    Ok(step.await?)
}

/// What is in the book after the run has ended, and its journal without what it begins with.
async fn ended<W: Workflow<Input = Pay>>(how: Pay) -> (Vec<String>, Vec<String>, Duration) {
    let world = World::default();
    let before = durable::Clock::now(&world.clock);
    let engine = world.engine().await;
    let run = engine.client().start::<W>("run", how).await.unwrap();
    assert!(run.result().await.is_err());
    let journal = history(&engine, "run").await;
    engine.shutdown().await.unwrap();
    let took = durable::Clock::now(&world.clock).since(before);
    (world.book.lines(), journal, took)
}

#[tokio::test]
async fn a_loser_of_a_race_is_told_and_what_it_did_is_undone() {
    let (book, journal, took) = ended::<impatient>(Pay::Polite).await;
    let undone = "refund payment Completed(7)";
    assert_eq!(book, ["pay payment", "told", "note", undone]);
    assert_eq!(
        journal,
        [
            "timer_armed patience",
            "step_started payment",
            "timer_fired patience",
            "step_completed payment",
            "step_completed note",
            "rollback_started",
            "compensation_started payment",
            "compensated payment",
            "failed"
        ]
    );
    assert_eq!(took, SECOND);
}

#[tokio::test]
async fn a_loser_that_does_not_listen_is_waited_for_and_undone_with_what_it_gave() {
    let (book, journal, took) = ended::<impatient>(Pay::Slow).await;
    assert_eq!(book, ["pay payment", "note", "refund payment Completed(7)"]);
    assert!(journal.contains(&"step_completed payment".to_owned()));
    assert_eq!(took, 5 * SECOND);
}

#[tokio::test]
async fn a_loser_that_does_not_end_in_the_grace_is_undone_as_unknown() {
    let (book, journal, took) = ended::<impatient>(Pay::Hangs).await;
    assert_eq!(book, ["pay payment", "note", "refund payment Unknown"]);
    assert!(journal.contains(&"step_interrupted payment".to_owned()));
    assert_eq!(took, SECOND + GRACE);
}

#[tokio::test]
async fn a_payment_beside_a_failure_is_told_waited_for_and_undone() {
    let (book, ..) = ended::<beside>(Pay::Polite).await;
    let completed = "refund payment Completed(7)";
    assert_eq!(book, ["pay payment", "told", completed]);
    let (book, _, took) = ended::<beside>(Pay::Slow).await;
    assert_eq!(
        (book.len(), book[1].as_str(), took),
        (2, completed, 5 * SECOND)
    );
    let (book, _, took) = ended::<beside>(Pay::Hangs).await;
    assert_eq!(book[1], "refund payment Unknown");
    assert_eq!(took, SECOND + GRACE);
}

async fn canceled(how: Pay, wait: Duration) -> (Vec<String>, Vec<String>) {
    let world = World::default();
    let engine = world.engine().await;
    let run = engine.client().start::<alone>("run", how).await.unwrap();
    while world.book.lines().is_empty() {
        tokio::task::yield_now().await;
    }
    run.cancel().await.unwrap();
    world.clock.advance(wait).await;
    assert_eq!(run.result().await.unwrap_err().kind(), ErrorKind::Canceled);
    let journal = history(&engine, "run").await;
    engine.shutdown().await.unwrap();
    (world.book.lines(), journal)
}

#[tokio::test]
async fn a_cancellation_waits_for_what_can_be_undone_though_it_does_not_listen() {
    let (book, journal) = canceled(Pay::Slow, Duration::ZERO).await;
    assert_eq!(book, ["pay payment", "refund payment Completed(7)"]);
    assert_eq!(
        journal[1..3],
        ["cancel_requested", "step_completed payment"]
    );
    let (book, journal) = canceled(Pay::Hangs, Duration::ZERO).await;
    assert_eq!(book, ["pay payment", "refund payment Unknown"]);
    assert_eq!(
        journal[1..3],
        ["cancel_requested", "step_interrupted payment"]
    );
}

#[tokio::test]
async fn an_attempt_that_is_cut_off_by_its_timeout_or_a_panic_may_have_had_its_effect() {
    for how in [Pay::Hangs, Pay::Panics] {
        let (book, ..) = ended::<timed>(how).await;
        let paid = "pay payment";
        assert_eq!(book, [paid, paid, "refund payment Unknown"], "{how:?}");
    }
    // That a later attempt is turned away does not say that the first one was.
    let (book, ..) = ended::<timed>(Pay::HangsFirst).await;
    assert_eq!(book, ["pay payment", "refund payment Unknown"]);
}

#[tokio::test]
async fn an_attempt_that_ends_in_the_grace_of_its_timeout_completes() {
    let world = World::default();
    let engine = world.engine().await;
    for how in [Pay::Polite, Pay::Slow] {
        let id = format!("{how:?}");
        let run = engine.client().start::<timed>(&id, how).await.unwrap();
        assert_eq!(run.result().await.unwrap(), 7, "{how:?}");
    }
    engine.shutdown().await.unwrap();
}

#[tokio::test]
async fn a_step_that_says_that_it_failed_is_not_undone() {
    let (book, journal, _) = ended::<timed>(Pay::Declined).await;
    assert!(book.is_empty(), "{book:?}");
    assert_eq!(
        journal,
        ["step_started payment", "step_failed payment", "failed"]
    );
}

#[tokio::test]
async fn a_compensation_that_must_know_the_output_parks_the_run_until_another_build_undoes_it() {
    let world = World::default();
    let engine = world.build::<strict>("payments").await;
    let id = "run";
    let run = engine
        .client()
        .start_by_name("payments", id, "\"Hangs\"")
        .await
        .unwrap();
    let error = run.result_json().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Parked);
    let reason = error.to_string();
    for part in [
        "attempt 2 of `payment`",
        "refund_known",
        "durable::Outcome<T>",
    ] {
        assert!(reason.contains(part), "{part} in {reason}");
    }
    engine.shutdown().await.unwrap();
    assert_eq!(world.book.lines(), ["pay payment"; 2]);

    let engine = world.build::<timed>("payments").await;
    let run = engine.client().attach_by_id(id).await.unwrap();
    let error = run.result_json().await.unwrap_err();
    assert_eq!(error.failure().unwrap().kind(), FailureKind::Timeout);
    assert_eq!(world.book.lines().last().unwrap(), "refund payment Unknown");
    engine.shutdown().await.unwrap();
}

#[tokio::test]
async fn a_crash_between_the_effect_and_its_record_is_undone_by_a_cancellation() {
    let world = World::default();
    let engine = world.engine().await;
    engine
        .client()
        .start::<alone>("run", Pay::Hangs)
        .await
        .unwrap();
    while world.book.lines().is_empty() {
        tokio::task::yield_now().await;
    }
    drop(engine);
    world.clock.advance(Duration::from_secs(60)).await;
    // A process that works on nothing passes the request on.
    let clerk = world.build::<timed>("other").await;
    clerk.client().cancel("run").await.unwrap();
    clerk.shutdown().await.unwrap();
    let engine = world.engine().await;
    let run = engine.client().attach::<alone>("run").await.unwrap();
    assert_eq!(run.result().await.unwrap_err().kind(), ErrorKind::Canceled);
    assert_eq!(
        world.book.lines(),
        ["pay payment", "refund payment Unknown"]
    );
    engine.shutdown().await.unwrap();
}

/// The signal is there before the step may begin.
#[durable::workflow]
async fn too_early(ctx: &Ctx, how: Pay) -> durable::Result<()> {
    ctx.signal::<()>("go").await?;
    durable::race! {
        paid = ctx.step("payment", |step| pay(step, how)).compensate(refund_known) => { paid?; },
        word = ctx.signal::<()>("word") => word?,
    }
    Err("not needed".into())
}

#[tokio::test]
async fn a_step_that_was_let_go_of_before_it_began_is_not_undone() {
    let world = World::default();
    let engine = world.engine().await;
    let client = engine.client();
    let run = client.start::<too_early>("run", Pay::Hangs).await.unwrap();
    run.reaches(Status::Suspended).await.unwrap();
    engine.shutdown().await.unwrap();
    // Both signals are there when the run is taken up.
    let clerk = world.build::<timed>("other").await;
    for name in ["go", "word"] {
        clerk
            .client()
            .signal_by_name("run", name, "null")
            .await
            .unwrap();
    }
    clerk.shutdown().await.unwrap();
    let engine = world.engine().await;
    let run = engine.client().attach::<too_early>("run").await.unwrap();
    let error = run.result().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Failed, "{error}");
    assert!(world.book.lines().is_empty());
    engine.shutdown().await.unwrap();
}

/// What it books is undone, however many there are.
#[durable::workflow]
async fn tour(ctx: &Ctx, nights: u32) -> durable::Result<()> {
    for night in 0..nights {
        ctx.step("night", |_| async move { Ok::<_, String>(night) })
            .compensate(refund_known)
            .await?;
    }
    Ok(ctx.signal::<()>("home").await?)
}

#[tokio::test]
async fn a_rollback_has_room_in_a_journal_that_is_full() {
    let world = World::default();
    let mut limits = Limits::default();
    limits.history_max = 20;
    // Nine nights fit, with the wait; more fill it, and the run is parked before the next one is booked.
    for nights in [9, 10, 12] {
        let engine = world.start(Engine::builder().limits(limits)).await;
        let id = format!("tour-{nights}");
        let run = engine.client().start::<tour>(&id, nights).await.unwrap();
        while !matches!(
            run.status().await.unwrap().status,
            Status::Suspended | Status::Parked
        ) {
            tokio::task::yield_now().await;
        }
        run.cancel().await.unwrap();
        let canceled = async {
            while run.status().await.unwrap().status != Status::Canceled {
                world.clock.advance(SECOND).await;
            }
        };
        durable_tests::soon(canceled).await.unwrap();
        let undone = count(&engine, &id, |kind| kind.name() == "compensated").await;
        assert_eq!(undone, usize::try_from(nights.min(10)).unwrap());
        engine.shutdown().await.unwrap();
    }
}

/// Workers die while something hangs, until the run is parked; gives how many events its journal has then.
async fn dies_again_and_again<W: Workflow<Input = Pay>>(how: Pay) -> usize {
    let world = World::default();
    let engine = world.engine().await;
    engine.client().start::<W>("run", how).await.unwrap();
    while world.book.lines().is_empty() {
        tokio::task::yield_now().await;
    }
    drop(engine);
    for _ in 0..20 {
        let engine = world.engine().await;
        let run = engine.client().attach::<W>("run").await.unwrap();
        let known = world.book.lines().len();
        // The next worker takes the run up when it has seen the lease of the last one end.
        while world.book.lines().len() == known {
            let status = run.status().await.unwrap();
            if status.status == Status::Parked {
                assert!(status.reason.unwrap().contains("workers died"));
                return history(&engine, "run").await.len();
            }
            world.clock.advance(SECOND).await;
        }
        drop(engine);
    }
    panic!("{:?}", world.book.lines());
}

/// Its compensation is where workers die.
#[durable::workflow]
async fn deadly(ctx: &Ctx, _how: Pay) -> durable::Result<()> {
    ctx.step("payment", async |_| Ok::<_, String>(7))
        .compensate(hang)
        .await?;
    Err("no".into())
}

#[durable::compensate]
async fn hang(step: &StepCtx, _paid: u32) -> Result<(), String> {
    let line = format!("attempt {}", step.attempt());
    step.state::<Book>().write(line);
    step.state::<VirtualClock>().sleep(Duration::MAX).await;
    Ok(())
}

#[tokio::test]
async fn starts_that_are_recorded_do_not_hide_that_a_run_kills_its_workers() {
    assert_eq!(dies_again_and_again::<alone>(Pay::Hangs).await, 1);
    // The step, its end, the rollback, and one start of the compensation.
    assert_eq!(dies_again_and_again::<deadly>(Pay::Hangs).await, 4);
}
