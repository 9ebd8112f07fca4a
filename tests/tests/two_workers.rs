//! Two workers on one database, in one process.

use std::{sync::Arc, time::Duration};

use durable::{graph::Registry, prelude::*, store::MemoryStore};
use tokio::sync::Notify;

/// After this long a wake-up is lost.
const PATIENCE: Duration = Duration::from_secs(60);

#[durable::workflow]
async fn two_signals(ctx: &Ctx) -> durable::Result<String> {
    let first = ctx.signal::<String>("first").await?;
    let second = ctx.signal::<String>("second").await?;
    Ok(first + &second)
}

#[durable::workflow]
async fn letters(ctx: &Ctx) -> durable::Result<String> {
    let mut all = String::new();
    while all.len() < 4 {
        all += &ctx.signal::<String>("letter").await?;
    }
    Ok(all)
}

#[durable::workflow]
async fn until_stopped(ctx: &Ctx) -> durable::Result<String> {
    let reason = durable::race!(
        ctx.step("endless", |_| std::future::pending::<
            Result<String, std::io::Error>,
        >()),
        ctx.signal::<String>("stop"),
    )?;
    Ok(reason)
}

#[durable::workflow]
async fn naps(ctx: &Ctx) -> durable::Result<u32> {
    let mut naps = 0;
    while naps < 2 {
        ctx.sleep("nap", Duration::from_millis(10)).await?;
        naps += 1;
    }
    Ok(naps)
}

#[durable::workflow]
async fn dreams(ctx: &Ctx) -> durable::Result<u32> {
    ctx.sleep("dream", Duration::from_millis(10)).await?;
    let deep = ctx.child::<naps>("deep", ()).await?;
    ctx.sleep("wake", Duration::from_millis(10)).await?;
    Ok(deep)
}

/// A step that is begun, and ends when it is told to.
#[derive(Debug, Default)]
struct Gate {
    begun: Notify,
    open: Notify,
}

#[durable::workflow]
async fn at_the_gate(ctx: &Ctx) -> durable::Result<()> {
    let gate = ctx.state::<Arc<Gate>>();
    ctx.step("pass", |_| async {
        gate.begun.notify_one();
        gate.open.notified().await;
        Ok::<_, std::io::Error>(())
    })
    .await?;
    Ok(())
}

#[durable::workflow]
async fn works_when_told(ctx: &Ctx) -> durable::Result<u32> {
    ctx.signal::<()>("go").await?;
    let done = ctx.step("work", |_| async { Ok::<_, std::io::Error>(1) });
    Ok(done.await?)
}

/// A worker of a program that has only these workflows.
async fn program_of(store: &MemoryStore, workflows: &[&str]) -> Result<Engine, durable::Error> {
    let linked = Registry::linked()?;
    let known = workflows.iter().filter_map(|name| linked.find(name));
    // Every wait leaves memory, and whoever comes first takes it up.
    let builder = Engine::builder().linger(Duration::ZERO);
    let builder = builder.registry(Registry::of(known)?);
    builder.start(store.clone()).await
}

async fn engine(store: &MemoryStore) -> Result<Engine, durable::Error> {
    let builder = Engine::builder().linger(Duration::from_millis(50));
    let builder = builder.state(Arc::<Gate>::default());
    builder.start(store.clone()).await
}

#[tokio::test]
async fn mail_of_another_worker_is_not_overlooked_for_later_mail_of_this_one() {
    let store = MemoryStore::new();
    let here = engine(&store).await.unwrap();
    let there = engine(&store).await.unwrap();
    let run = here.client().start::<two_signals>("run", ()).await.unwrap();
    // This worker is not told of the mail that the other one writes...
    let other = there.client();
    other
        .signal_by_name("run", "second", r#""b""#)
        .await
        .unwrap();
    // ... and is told of what it writes itself.
    let client = here.client();
    client
        .signal_by_name("run", "first", r#""a""#)
        .await
        .unwrap();
    let result = tokio::time::timeout(PATIENCE, run.result()).await;
    assert_eq!(result.unwrap().unwrap(), "ab");
    here.shutdown().await.unwrap();
    there.shutdown().await.unwrap();
}

#[tokio::test]
async fn signals_keep_their_order_whichever_worker_takes_them_in() {
    let store = MemoryStore::new();
    let here = engine(&store).await.unwrap();
    let there = engine(&store).await.unwrap();
    let run = here.client().start::<letters>("run", ()).await.unwrap();
    for (letter, engine) in [("a", &there), ("b", &here), ("c", &there), ("d", &here)] {
        let client = engine.client();
        let letter = format!("{letter:?}");
        client
            .signal_by_name("run", "letter", &letter)
            .await
            .unwrap();
    }
    let result = tokio::time::timeout(PATIENCE, run.result()).await;
    assert_eq!(result.unwrap().unwrap(), "abcd");
    here.shutdown().await.unwrap();
    there.shutdown().await.unwrap();
}

#[tokio::test]
async fn mail_of_another_worker_reaches_a_run_whose_step_goes_on() {
    let store = MemoryStore::new();
    let here = engine(&store).await.unwrap();
    let there = engine(&store).await.unwrap();
    let stopped = here
        .client()
        .start::<until_stopped>("stopped", ())
        .await
        .unwrap();
    let canceled = here
        .client()
        .start::<until_stopped>("canceled", ())
        .await
        .unwrap();
    let other = there.client();
    other
        .signal_by_name("stopped", "stop", r#""enough""#)
        .await
        .unwrap();
    other.cancel("canceled").await.unwrap();
    let result = tokio::time::timeout(PATIENCE, stopped.result()).await;
    assert_eq!(result.unwrap().unwrap(), "enough");
    let result = tokio::time::timeout(PATIENCE, canceled.result()).await;
    let error = result.unwrap().unwrap_err();
    assert_eq!(error.kind(), durable::ErrorKind::Canceled);
    here.shutdown().await.unwrap();
    there.shutdown().await.unwrap();
}

/// Each run goes on where its workflow is known, and no caller is told that it was parked elsewhere.
#[tokio::test]
async fn programs_with_other_workflows_share_a_database() {
    let store = MemoryStore::new();
    let napper = program_of(&store, &["naps"]).await.unwrap();
    let dreamer = program_of(&store, &["dreams"]).await.unwrap();
    let (mut shallow, mut deep) = (Vec::new(), Vec::new());
    for n in 0..20 {
        let client = napper.client();
        let nap = client.start::<naps>(&format!("nap-{n}"), ()).await;
        shallow.push(nap.unwrap());
        let client = dreamer.client();
        let dream = client.start::<dreams>(&format!("dream-{n}"), ()).await;
        deep.push(dream.unwrap());
    }
    for run in shallow {
        let result = tokio::time::timeout(PATIENCE, run.result()).await;
        assert_eq!(result.unwrap().unwrap(), 2);
    }
    for run in deep {
        let result = tokio::time::timeout(PATIENCE, run.result()).await;
        assert_eq!(result.unwrap().unwrap(), 2);
    }
    napper.shutdown().await.unwrap();
    dreamer.shutdown().await.unwrap();
}

/// Others need not wait for the slow steps of a worker that ends.
#[tokio::test]
async fn a_shutdown_gives_back_the_runs_at_rest_before_its_slow_steps_end() {
    const LONG: Duration = Duration::from_secs(3_600);
    let store = MemoryStore::new();
    let gate = Arc::new(Gate::default());
    let builder = Engine::builder().linger(LONG).shutdown_grace(LONG);
    let builder = builder.state(Arc::clone(&gate));
    let here = builder.start(store.clone()).await.unwrap();
    let there = engine(&store).await.unwrap();
    let client = here.client();
    let slow = client.start::<at_the_gate>("slow", ()).await.unwrap();
    gate.begun.notified().await;
    let resting = client
        .start::<works_when_told>("resting", ())
        .await
        .unwrap();
    resting.reaches(durable::Status::Suspended).await.unwrap();
    let ending = tokio::spawn(async move { here.shutdown().await });
    let client = there.client();
    client
        .signal_by_name("resting", "go", "null")
        .await
        .unwrap();
    let elsewhere = client.attach::<works_when_told>("resting").await.unwrap();
    let result = tokio::time::timeout(PATIENCE, elsewhere.result()).await;
    assert_eq!(result.unwrap().unwrap(), 1);
    assert!(!ending.is_finished(), "the slow step goes on");
    gate.open.notify_one();
    ending.await.unwrap().unwrap();
    drop(slow);
    let slow = client.attach::<at_the_gate>("slow").await.unwrap();
    slow.result().await.unwrap();
    there.shutdown().await.unwrap();
}
