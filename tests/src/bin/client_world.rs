//! What the clients' tests have in processes of their own.
//!
//! `client_world work ADDRESS`: a worker, until its standard input closes. `client_world start ADDRESS ID
//! INPUT`: a client whose start is written and which is not told, to be killed there. Either says `ready`.

use std::sync::Arc;

use durable::{
    Client, Result,
    graph::Registry,
    prelude::*,
    store::{PostgresStore, SqliteStore},
    testing::{Fault, FaultyStore, StoreCall},
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// As in the tests.
#[durable::workflow]
async fn post(ctx: &Ctx, grams: u32) -> Result<u32> {
    let weight = ctx
        .step("weigh", |_| async move { Ok::<_, String>(grams) })
        .await?;
    Ok(weight * ctx.signal::<u32>("stamps").await?)
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let mut args = std::env::args().skip(1);
    let mut next = || args.next().ok_or("an argument is missing");
    match next()?.as_str() {
        "work" => work(&next()?).await,
        _ => start(&next()?, &next()?, &next()?).await,
    }
}

async fn work(address: &str) -> Result<()> {
    let builder = Engine::builder().lease(std::time::Duration::from_secs(3_600));
    let engine = builder.open(address).await?;
    say_ready().await?;
    tokio::io::stdin().read_to_end(&mut Vec::new()).await?;
    engine.shutdown().await
}

async fn say_ready() -> Result<()> {
    let mut out = tokio::io::stdout();
    out.write_all(b"ready\n").await?;
    Ok(out.flush().await?)
}

async fn start(address: &str, id: &str, input: &str) -> Result<()> {
    let store = match address.starts_with("postgres") {
        true => FaultyStore::new(PostgresStore::connect(address).await?),
        false => FaultyStore::new(SqliteStore::connect(address).await?),
    };
    let reply = Fault::Held(Arc::default());
    let store = store.with_fault(StoreCall::Commit, 1, reply);
    let builder = Client::builder().registry(Registry::default());
    let client = builder.on(store).await?;
    let starting = client.start_by_name("post", id, input);
    let written = async {
        while client.list().next_page().await?.is_empty() {
            tokio::task::yield_now().await;
        }
        say_ready().await?;
        std::future::pending::<Result<()>>().await
    };
    tokio::select! {
        started = starting => Err(format!("it was told: {started:?}").into()),
        written = written => written,
    }
}
