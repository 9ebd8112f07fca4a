//! Networks that fail.

use std::time::Duration;

use durable::{
    Result,
    store::{
        Batch, BatchId, CommitOutcome, NewWorker, PostgresOptions, PostgresStore, Store,
        StoreErrorKind,
    },
};
use durable_tests::{
    needs,
    server::{Database, Server},
};

use crate::{
    proxy::{Network, Proxy},
    support::{PATIENCE, commits, count, later, signal, start, starts, step},
};

/// The address of the same database through a proxy.
fn through(proxy: &Proxy, url: &str) -> String {
    let (head, tail) = url.rsplit_once(':').unwrap_or_default();
    let database = tail.split_once('/').map_or("", |(_, database)| database);
    format!("{head}:{}/{database}", proxy.port())
}

async fn proxied(server: &Server) -> Result<(Proxy, Database, String)> {
    let proxy = Proxy::start(server.port()).await?;
    let database = server.database().await?;
    let url = through(&proxy, database.url());
    Ok((proxy, database, url))
}

/// Makes a call until it succeeds, as a worker does.
async fn persist(store: &PostgresStore, batch: &Batch) -> Result<durable::store::BatchOutcome> {
    let deadline = tokio::time::Instant::now() + PATIENCE;
    loop {
        match store.commit(batch).await {
            Ok(outcome) => return Ok(outcome),
            Err(error) if !error.is_transient() => return Err(error.into()),
            Err(error) if tokio::time::Instant::now() > deadline => return Err(error.into()),
            Err(_) => {}
        }
    }
}

/// A line that is dead without saying so: each call ends in time, and the store is whole again as soon
/// as the line is.
#[tokio::test]
async fn a_dead_line_is_given_up_in_time() -> Result<()> {
    needs!(Server);
    let server = Server::start()?;
    let (proxy, database, url) = proxied(&server).await?;
    let patience = Duration::from_millis(300);
    let options = PostgresOptions::default()
        .connections(1)
        .call_timeout(patience);
    let store = PostgresStore::open_with(&url, options).await?;
    let worker = store.register_worker(NewWorker::until(later(60))).await?;
    let run = start(&store, "a", worker).await?;
    proxy.set(Network::BlackHole);
    for call in [
        store.read(run).await.err(),
        store.commit(&commits(step(run, 0))).await.err(),
        store.renew_lease(worker, later(90)).await.err(),
    ] {
        let error = call.ok_or("a dead line answers")?;
        assert_eq!(error.kind(), StoreErrorKind::Unavailable, "{error}");
        assert!(
            error.to_string().contains("no answer after 300ms"),
            "{error}"
        );
    }
    proxy.set(Network::Sound);
    persist(&store, &commits(step(run, 0))).await?;
    assert!(store.renew_lease(worker, later(90)).await?);
    assert_eq!(store.history(run).await?.len(), 1);
    let sessions = "SELECT count(*) FROM pg_stat_activity \
                    WHERE datname = current_database() AND pid <> pg_backend_pid() \
                    AND state = 'idle in transaction'";
    assert_eq!(count(database.url(), sessions).await?, 0);
    Ok(store.close().await?)
}

/// The batch is committed and its reply is lost: sent again, it has the effect of one.
#[tokio::test]
async fn a_commit_whose_reply_is_lost_takes_effect_once() -> Result<()> {
    needs!(Server);
    let server = Server::start()?;
    let (proxy, database, url) = proxied(&server).await?;
    let store = PostgresStore::open(&url).await?;
    let worker = store.register_worker(NewWorker::until(later(60))).await?;
    let run = start(&store, "a", worker).await?;
    for number in 0..20_u32 {
        let batch = Batch {
            id: Some(BatchId {
                worker,
                number: i64::from(number) + 1,
            }),
            commits: vec![step(run, number)],
            mail: signal(run).mail,
            starts: starts(&format!("b-{number}"), worker).starts,
            ..Batch::default()
        };
        proxy.set(Network::LosesReplies);
        let error = store.commit(&batch).await.err();
        let error = error.ok_or("the reply was not lost")?;
        assert_eq!(error.kind(), StoreErrorKind::Unavailable, "{error}");
        proxy.set(Network::Sound);
        let outcome = persist(&store, &batch).await?;
        assert!(matches!(
            outcome.commits[..],
            [CommitOutcome::Committed { .. }]
        ));
    }
    assert_eq!(store.history(run).await?.len(), 20);
    assert_eq!(store.mailbox(run).await?.len(), 20);
    let runs = "SELECT count(*) FROM durable.runs";
    assert_eq!(count(database.url(), runs).await?, 21);
    Ok(store.close().await?)
}

/// All sessions are ended, as when a server restarts: reads go on without an error, writes after being
/// made again.
#[tokio::test]
async fn sessions_that_the_server_ends_are_replaced() -> Result<()> {
    needs!(Server);
    let server = Server::start()?;
    let database = server.database().await?;
    let store = PostgresStore::open(database.url()).await?;
    let worker = store.register_worker(NewWorker::until(later(60))).await?;
    let run = start(&store, "a", worker).await?;
    for position in 0..5 {
        server.restart_immediate()?;
        assert!(store.read(run).await?.is_some());
        persist(&store, &commits(step(run, position))).await?;
    }
    let sessions = "SELECT count(*) FROM pg_stat_activity \
                    WHERE datname = current_database() AND pid <> pg_backend_pid()";
    assert!(count(database.url(), sessions).await? <= 5);
    assert_eq!(store.history(run).await?.len(), 5);
    Ok(store.close().await?)
}
