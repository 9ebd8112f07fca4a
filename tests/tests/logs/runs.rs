//! What happens to a run is said, with the run, the step and the attempt.

use durable::{
    __private::Definition, Status, graph::Registry, prelude::*, store::MemoryStore,
    testing::VirtualClock,
};
use durable_tests::soon;

use super::listener::{Line, Listener};

/// In every payload; no line may have it.
const SECRET: &str = "4242-4242";

async fn engine(clock: &VirtualClock) -> Engine {
    let builder = Engine::builder().clock(clock.clone());
    builder.start(MemoryStore::new()).await.unwrap()
}

/// The only event of this name; it comes when what it tells is recorded.
async fn one(listener: &Listener, run: &str, name: &str) -> Line {
    let found = async {
        loop {
            let mut lines = listener.named(run, name);
            assert!(lines.len() < 2, "{lines:?}");
            if let Some(line) = lines.pop() {
                return line;
            }
            tokio::task::yield_now().await;
        }
    };
    soon(found).await.unwrap()
}

fn nobody_tells_the_secret(listener: &Listener) {
    for line in listener.all() {
        assert!(!format!("{line:?}").contains(SECRET), "{line:?}");
    }
}

#[durable::workflow]
async fn trip(ctx: &Ctx, card: String) -> durable::Result<String> {
    tracing::info!("packing");
    let hotel = ctx
        .step("hotel", async |step| {
            tracing::info!("booking");
            match step.attempt() {
                1 => Err(StepError::new("the line is busy")),
                _ => Ok(card.clone()),
            }
        })
        .compensate(cancel_hotel)
        .await?;
    let note = ctx.signal::<String>("note").await?;
    ctx.step("car", async |_| Err::<(), _>("no car left"))
        .retry(Retry::exponential().max_attempts(2))
        .await?;
    Ok(hotel + &note)
}

#[durable::compensate]
async fn cancel_hotel(step: &StepCtx, _hotel: String) -> durable::Result<()> {
    tracing::info!("canceling");
    match step.attempt() {
        1 => Err("nobody answers".into()),
        _ => Ok(()),
    }
}

#[tokio::test]
async fn a_run_that_fails_tells_every_failure_once_with_its_place() {
    let listener = Listener::of_this_program();
    let engine = engine(&VirtualClock::new()).await;
    let client = engine.client();
    let run = client.start::<trip>("trip", SECRET.to_owned()).await;
    let run = run.unwrap();
    run.signal(trip::note, SECRET.to_owned()).await.unwrap();
    soon(run.result()).await.unwrap().unwrap_err();

    let failed = one(&listener, "trip", "run_failed").await;
    assert_eq!(
        (&*failed.level, failed.field("workflow")),
        ("ERROR", "trip")
    );
    assert!(failed.field("error").contains("no car left"));
    let attempts = listener.named("trip", "attempt_failed");
    let of_hotel = &attempts[0];
    assert_eq!((attempts.len(), &*of_hotel.level), (2, "WARN"));
    assert_eq!(
        (of_hotel.field("step"), of_hotel.field("attempt")),
        ("hotel", "1")
    );
    assert!(of_hotel.field("error").contains("the line is busy"));
    assert!(of_hotel.field("retry_at").starts_with("2020-01-01T00:00:0"));
    let step = one(&listener, "trip", "step_failed").await;
    assert_eq!((step.field("step"), step.field("attempts")), ("car", "2"));
    one(&listener, "trip", "rollback_started").await;
    let undoing = one(&listener, "trip", "compensation_attempt_failed").await;
    assert_eq!((undoing.field("step"), &*undoing.level), ("hotel", "WARN"));
    one(&listener, "trip", "run_started").await;
    assert!(listener.named("trip", "run_resumed").is_empty());
    nobody_tells_the_secret(&listener);
    engine.shutdown().await.unwrap();
}

#[tokio::test]
async fn lines_of_user_code_carry_the_run_the_step_and_the_attempt() {
    let listener = Listener::of_this_program();
    let engine = engine(&VirtualClock::new()).await;
    let client = engine.client();
    let run = client.start::<trip>("lines", String::new()).await;
    let run = run.unwrap();
    run.signal(trip::note, String::new()).await.unwrap();
    soon(run.result()).await.unwrap().unwrap_err();

    let body = listener.said("lines", "packing");
    assert_eq!(names(&body[0]), ["workflow"]);
    assert_eq!(body[0].spans[0].1["workflow"], "trip");
    let step = listener.said("lines", "booking");
    assert_eq!(step.len(), 2);
    for (attempt, line) in (1..).zip(&step) {
        assert_eq!(names(line), ["workflow", "step"]);
        assert_eq!(place(line), ["lines", "hotel", &attempt.to_string()]);
    }
    let undoing = listener.said("lines", "canceling");
    assert_eq!(undoing.len(), 2);
    for (attempt, line) in (1..).zip(&undoing) {
        assert_eq!(names(line), ["compensation"]);
        assert_eq!(place(line), ["lines", "hotel", &attempt.to_string()]);
    }
    engine.shutdown().await.unwrap();
}

fn names(line: &Line) -> Vec<&str> {
    line.spans.iter().map(|(name, _)| *name).collect()
}

/// The run, the step and the attempt of the innermost span.
fn place(line: &Line) -> [&str; 3] {
    let fields = &line.spans.last().unwrap().1;
    ["run", "step", "attempt"].map(|field| &*fields[field])
}

#[durable::workflow]
async fn waits(ctx: &Ctx) -> durable::Result<()> {
    Ok(ctx.signal::<()>("go").await?)
}

#[tokio::test]
async fn a_run_that_is_canceled_says_so_when_it_is_recorded() {
    let listener = Listener::of_this_program();
    let engine = engine(&VirtualClock::new()).await;
    let run = engine
        .client()
        .start::<waits>("canceled", ())
        .await
        .unwrap();
    run.cancel().await.unwrap();
    soon(run.result()).await.unwrap().unwrap_err();
    let canceled = one(&listener, "canceled", "run_canceled").await;
    assert_eq!(canceled.level, "INFO");
    one(&listener, "canceled", "cancel_requested").await;
    engine.shutdown().await.unwrap();
}

#[tokio::test]
async fn a_run_that_completes_says_so_at_debug_and_nothing_louder() {
    let listener = Listener::of_this_program();
    let engine = engine(&VirtualClock::new()).await;
    let run = engine
        .client()
        .start::<waits>("completed", ())
        .await
        .unwrap();
    run.signal(waits::go, ()).await.unwrap();
    soon(run.result()).await.unwrap().unwrap();
    one(&listener, "completed", "run_completed").await;
    let lines = listener.of_run("completed");
    assert!(lines.iter().all(|line| line.level == "DEBUG"), "{lines:?}");
    engine.shutdown().await.unwrap();
}

#[durable::workflow]
async fn breaks(ctx: &Ctx) -> durable::Result<()> {
    ctx.step("one", async |_| Ok::<_, Failure>(())).await?;
    panic!("there is one");
}

#[tokio::test]
async fn a_run_that_is_parked_says_why() {
    let listener = Listener::of_this_program();
    let engine = engine(&VirtualClock::new()).await;
    let run = engine.client().start::<breaks>("parked", ()).await.unwrap();
    soon(run.result()).await.unwrap().unwrap_err();
    let parked = one(&listener, "parked", "run_parked").await;
    assert_eq!(
        (&*parked.level, parked.field("workflow")),
        ("ERROR", "breaks")
    );
    assert!(parked.field("reason").contains("there is one"));
    engine.shutdown().await.unwrap();
}

/// The definition of `W` under another name: another build of the program.
fn renamed<W: Workflow>(name: &'static str) -> &'static Definition {
    let linked = Registry::linked().unwrap();
    let of = linked.find(W::NAME).unwrap();
    Box::leak(Box::new(Definition { name, ..*of }))
}

/// It is found before there is a task for the run.
#[tokio::test]
async fn a_run_that_a_build_cannot_take_up_says_so_by_its_id() {
    let listener = Listener::of_this_program();
    let (clock, store) = (VirtualClock::new(), MemoryStore::new());
    let builder = || Engine::builder().clock(clock.clone());
    let engine = builder().start(store.clone()).await.unwrap();
    let run = engine.client().start::<waits>("other build", ()).await;
    run.unwrap().reaches(Status::Suspended).await.unwrap();
    engine.shutdown().await.unwrap();
    let other = Registry::of([renamed::<breaks>("waits")]).unwrap();
    let engine = builder().registry(other).start(store).await.unwrap();
    let run = engine.client().attach_by_id("other build").await.unwrap();
    soon(run.reaches(Status::Parked)).await.unwrap().unwrap();
    let parked = one(&listener, "other build", "run_parked").await;
    assert_eq!(parked.field("workflow"), "waits");
    engine.shutdown().await.unwrap();
}

#[durable::workflow]
async fn parent(ctx: &Ctx) -> durable::Result<()> {
    let child = ctx.child::<trip>("child", SECRET.to_owned()).await;
    child.map(drop).or(Ok(()))
}

#[tokio::test]
async fn a_child_that_fails_is_told_of_the_parent_as_well() {
    let listener = Listener::of_this_program();
    let engine = engine(&VirtualClock::new()).await;
    let client = engine.client();
    let run = client.start::<parent>("parent", ()).await.unwrap();
    run.reaches(Status::Suspended).await.unwrap();
    client
        .signal_by_name("parent/child", "note", "\"\"")
        .await
        .unwrap();
    soon(run.result()).await.unwrap().unwrap();
    let failed = one(&listener, "parent", "child_failed").await;
    assert_eq!((&*failed.level, failed.field("step")), ("WARN", "child"));
    one(&listener, "parent/child", "run_failed").await;
    nobody_tells_the_secret(&listener);
    engine.shutdown().await.unwrap();
}

#[tokio::test]
async fn a_worker_says_when_it_starts_and_stops() {
    let listener = Listener::of_this_program();
    let engine = engine(&VirtualClock::new()).await;
    engine.shutdown().await.unwrap();
    let lines = listener.all();
    let stopped = lines.iter().find(|line| line.name == "worker_stopped");
    let worker = stopped.unwrap().field("worker");
    let started = |line: &&Line| line.name == "worker_started" && line.field("worker") == worker;
    assert_eq!(lines.iter().find(started).unwrap().level, "INFO");
}
