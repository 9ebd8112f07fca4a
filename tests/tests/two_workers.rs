//! Two workers on one database, in one process.

use std::time::Duration;

use durable::{prelude::*, store::MemoryStore};

/// After this long a wake-up is lost.
const PATIENCE: Duration = Duration::from_secs(60);

#[durable::workflow]
async fn two_signals(ctx: &Ctx) -> durable::Result<String> {
    let first = ctx.signal::<String>("first").await?;
    let second = ctx.signal::<String>("second").await?;
    Ok(first + &second)
}

async fn engine(store: &MemoryStore) -> Result<Engine, durable::Error> {
    let builder = Engine::builder().linger(Duration::from_millis(50));
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
