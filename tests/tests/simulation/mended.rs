//! What went wrong once.

use std::{
    pin::pin,
    sync::Arc,
    task::{Context, Waker},
    time::Duration,
};

use durable::{
    Clock, ErrorKind, FailureKind,
    prelude::*,
    store::MemoryStore,
    testing::{Fault, FaultyStore, StoreCall, VirtualClock},
};
use durable_tests::soon;
use tokio::sync::Notify;

use crate::door::{Door, builder, engine};

#[durable::workflow]
async fn waiting(ctx: &Ctx, _input: ()) -> durable::Result<()> {
    Ok(ctx
        .signal::<()>("go")
        .timeout(Duration::from_secs(8))
        .await?)
}

/// It woke up without end from when it could leave memory until its timeout.
#[tokio::test]
async fn a_run_that_stays_in_memory_for_a_near_timeout_rests() {
    let clock = VirtualClock::new();
    let engine = engine(&clock).await;
    let run = engine.client().start::<waiting>("run", ()).await.unwrap();
    let error = soon(run.result()).await.unwrap().unwrap_err();
    assert_eq!(error.failure().unwrap().kind(), FailureKind::Timeout);
    engine.shutdown().await.unwrap();
}

#[durable::workflow]
async fn undone(ctx: &Ctx, _input: ()) -> durable::Result<()> {
    ctx.step("pay", async |_| Ok::<_, Failure>(()))
        .compensate(refund)
        .await?;
    Ok(ctx.sleep("nap", Duration::from_secs(4)).await?)
}

#[durable::compensate]
async fn refund(step: &StepCtx, _paid: ()) -> Result<(), Failure> {
    let clock = step.state::<VirtualClock>();
    clock.sleep(Duration::from_secs(60)).await;
    Ok(())
}

/// It woke up without end from the sleep's due time until the compensation was done.
#[tokio::test]
async fn a_rollback_rests_when_a_sleep_of_the_body_is_due() {
    let clock = VirtualClock::new();
    let before = clock.now();
    let engine = engine(&clock).await;
    let run = engine.client().start::<undone>("run", ()).await.unwrap();
    run.reaches(durable::Status::Suspended).await.unwrap();
    run.cancel().await.unwrap();
    let error = soon(run.result()).await.unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Canceled);
    assert_eq!(clock.now().since(before), Duration::from_secs(60));
    engine.shutdown().await.unwrap();
}

#[durable::workflow]
async fn two_steps(ctx: &Ctx, _input: ()) -> durable::Result<u32> {
    let (one, two) = durable::join!(
        ctx.step("one", async |_| Ok::<_, Failure>(1)),
        ctx.step("two", async |step| {
            let door = step.state::<Door>();
            door.pass().await;
            Ok::<_, Failure>(2)
        }),
    );
    Ok(one? + two?)
}

/// The cancellation was recorded behind the end, and the run stayed in its rollback for ever.
#[tokio::test]
async fn a_cancellation_between_the_end_and_its_commit_changes_nothing() {
    let door = Door::default();
    let reply = Arc::new(Notify::new());
    let held = Fault::Held(Arc::clone(&reply));
    // Of the first step; the start of the run is the first commit.
    let store = FaultyStore::new(MemoryStore::new()).with_fault(StoreCall::Commit, 2, held);
    let clock = VirtualClock::new();
    let engine = builder(&clock, &door).start(store.clone()).await.unwrap();
    let run = engine.client().start::<two_steps>("run", ()).await.unwrap();
    while store.calls(StoreCall::Commit) < 2 {
        tokio::task::yield_now().await;
    }
    door.open.notify_one();
    door.passed.notified().await;
    {
        let mut cancel = pin!(run.cancel().into_future());
        let mut cx = Context::from_waker(Waker::noop());
        assert!(cancel.as_mut().poll(&mut cx).is_pending());
        reply.notify_one();
        // On this thread, so that the run does not hear of its commit before the cancellation.
        while cancel.as_mut().poll(&mut cx).is_pending() {
            std::thread::yield_now();
        }
    }
    assert_eq!(soon(run.result()).await.unwrap().unwrap(), 3);
    engine.shutdown().await.unwrap();
}

#[durable::workflow]
async fn two_waits(ctx: &Ctx, payloads: Vec<u32>) -> durable::Result<Vec<bool>> {
    let waits = durable::join_all(
        payloads
            .iter()
            .map(|_| ctx.signal::<u32>("go").timeout(Duration::from_secs(60))),
    );
    let came = waits.await;
    Ok(came.iter().map(Result::is_ok).collect())
}

/// The second wait took the one signal for its own, and had no timeout.
#[tokio::test]
async fn of_two_waits_for_one_signal_the_second_times_out() {
    let clock = VirtualClock::new();
    let engine = engine(&clock).await;
    let client = engine.client();
    let run = client.start::<two_waits>("run", vec![1, 2]).await.unwrap();
    run.signal(two_waits::go, 1).await.unwrap();
    assert_eq!(
        soon(run.result()).await.unwrap().unwrap(),
        vec![true, false]
    );
    engine.shutdown().await.unwrap();
}
