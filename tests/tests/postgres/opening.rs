//! What is refused, and what is warned about, when a store is opened.

use durable::{
    Engine, Result,
    prelude::Ctx,
    store::{NewWorker, PostgresOptions, PostgresStore, Store, StoreErrorKind},
};
use durable_tests::{
    needs,
    server::{Database, PoolMode, Pooler, Server},
};
use tokio::task::JoinSet;

use crate::{
    pooler,
    support::{SECRET, as_user, count, execute, later, refusal, start, until},
};

fn schema(name: &str) -> PostgresOptions {
    PostgresOptions::default().schema(name)
}

#[tokio::test]
async fn an_address_that_leads_nowhere_is_refused() -> Result<()> {
    needs!(Database);
    let database = Database::shared().await?;
    let cases = [
        (
            format!("postgres://u:{SECRET}@127.0.0.1:1/db"),
            StoreErrorKind::Unavailable,
            "host and port",
        ),
        (
            format!("{}_missing", database.url()),
            StoreErrorKind::Open,
            "CREATE DATABASE",
        ),
        (
            format!("postgres://u:{SECRET}@127.0.0.1:bad/db"),
            StoreErrorKind::Open,
            "cannot be read",
        ),
    ];
    for (url, kind, advice) in cases {
        let error = refusal(&url, schema("durable")).await?;
        assert_eq!(error.kind(), kind, "{error}");
        assert!(error.to_string().contains(advice), "{error}");
    }
    Ok(())
}

#[tokio::test]
async fn a_wrong_password_is_refused() -> Result<()> {
    needs!(Server);
    let server = Server::start()?;
    let url = server.url();
    execute(&url, "CREATE ROLE careful LOGIN PASSWORD 'right'").await?;
    // The server's own list of who needs a password.
    execute(
        &url,
        "DO $$ BEGIN EXECUTE format('COPY (SELECT unnest(ARRAY[%L, %L])) TO %L', \
         'host all careful 127.0.0.1/32 scram-sha-256', 'host all all 127.0.0.1/32 trust', \
         current_setting('hba_file')); END $$; SELECT pg_reload_conf()",
    )
    .await?;
    until(
        &url,
        "EXISTS (SELECT FROM pg_hba_file_rules WHERE auth_method = 'scram-sha-256')",
    )
    .await?;
    let error = refusal(&as_user(&url, "careful"), schema("durable")).await?;
    assert_eq!(error.kind(), StoreErrorKind::Denied, "{error}");
    assert!(error.to_string().contains("user and password"), "{error}");
    Ok(())
}

#[tokio::test]
async fn settings_that_lose_data_are_warned_about() -> Result<()> {
    needs!(Server);
    let server = Server::start()?;
    let url = server.url();
    let store = PostgresStore::open(&url).await?;
    assert_eq!(store.warnings(), [] as [String; 0]);
    store.close().await?;
    for setting in ["fsync", "synchronous_commit"] {
        execute(&url, &format!("ALTER SYSTEM SET {setting} TO off")).await?;
    }
    execute(&url, "SELECT pg_reload_conf()").await?;
    until(&url, "current_setting('fsync') = 'off'").await?;
    let store = PostgresStore::open(&url).await?;
    let [fsync, synchronous_commit] = store.warnings() else {
        return Err(format!("{:?}", store.warnings()).into());
    };
    assert!(fsync.contains("`fsync = off`"), "{fsync}");
    assert!(
        synchronous_commit.contains("`synchronous_commit = off`"),
        "{synchronous_commit}"
    );
    Ok(store.close().await?)
}

/// The server keeps commits in memory for seconds, and this store does not let it.
#[tokio::test]
async fn an_acknowledged_start_survives_a_server_that_does_not_sync_commits() -> Result<()> {
    needs!(Server);
    let server = Server::start()?;
    let url = server.url();
    PostgresStore::open(&url).await?.close().await?;
    for setting in ["synchronous_commit TO off", "wal_writer_delay TO '10s'"] {
        execute(&url, &format!("ALTER SYSTEM SET {setting}")).await?;
    }
    server.restart_immediate()?;
    let store = PostgresStore::open(&url).await?;
    let worker = store.register_worker(NewWorker::until(later(60))).await?;
    let run = start(&store, "a", worker).await?;
    server.kill_9()?;
    server.start_again()?;
    assert!(store.read(run).await?.is_some(), "the start is lost");
    Ok(store.close().await?)
}

#[tokio::test]
async fn a_schema_of_another_application_is_left_alone() -> Result<()> {
    needs!(Database);
    let database = Database::shared().await?;
    let url = database.url();
    execute(
        url,
        "CREATE SCHEMA shop; CREATE TABLE shop.runs (id INTEGER)",
    )
    .await?;
    let error = refusal(url, schema("shop")).await?;
    assert_eq!(error.kind(), StoreErrorKind::Open, "{error}");
    assert!(error.to_string().contains("another application"), "{error}");
    let tables = "SELECT count(*) FROM pg_tables WHERE schemaname = 'shop'";
    assert_eq!(count(url, tables).await?, 1);
    Ok(())
}

#[tokio::test]
async fn a_newer_schema_is_refused_before_any_run_is_touched() -> Result<()> {
    needs!(Database);
    let database = Database::shared().await?;
    let url = database.url();
    let store = PostgresStore::open(url).await?;
    let worker = store.register_worker(NewWorker::until(later(1))).await?;
    start(&store, "a", worker).await?;
    store.close().await?;
    execute(url, "INSERT INTO durable.durable_versions VALUES (9999)").await?;
    let before = count(url, "SELECT xmin::TEXT::BIGINT FROM durable.runs").await?;
    let error = refusal(url, schema("durable")).await?;
    assert_eq!(error.kind(), StoreErrorKind::NewerSchema, "{error}");
    assert!(error.to_string().contains("version 9999"), "{error}");
    let after = count(url, "SELECT xmin::TEXT::BIGINT FROM durable.runs").await?;
    assert_eq!(before, after);
    Ok(())
}

#[tokio::test]
async fn many_processes_may_create_the_schema_at_once() -> Result<()> {
    needs!(Database);
    let database = Database::shared().await?;
    let mut opening = JoinSet::new();
    for _ in 0..8 {
        let url = database.url().to_owned();
        // A name that has to be quoted.
        let options = schema("My \"orders\"; DROP SCHEMA public").connections(1);
        opening.spawn(async move {
            let store = PostgresStore::open_with(&url, options).await?;
            store.register_worker(NewWorker::until(later(60))).await?;
            store.close().await
        });
    }
    while let Some(opened) = opening.join_next().await {
        opened??;
    }
    // Each once.
    let versions = r#"SELECT max(version)::BIGINT - count(*) FROM "My ""orders""; DROP SCHEMA public".durable_versions"#;
    assert_eq!(count(database.url(), versions).await?, 0);
    let workers = r#"SELECT count(*) FROM "My ""orders""; DROP SCHEMA public".workers"#;
    assert_eq!(count(database.url(), workers).await?, 8);
    Ok(())
}

#[tokio::test]
async fn a_standby_is_refused() -> Result<()> {
    needs!(Server);
    let server = Server::start()?;
    let standby = server.synchronous_standby().await?;
    let error = refusal(&standby.url(), schema("durable")).await?;
    assert_eq!(error.kind(), StoreErrorKind::ReadOnly, "{error}");
    assert!(error.to_string().contains("primary"), "{error}");
    Ok(())
}

#[tokio::test]
async fn a_transaction_pooler_is_refused() -> Result<()> {
    needs!(Server);
    let server = Server::start()?;
    let port = pooler::start(server.port(), "durable", "postgres").await?;
    let url = format!("postgres://durable:{SECRET}@127.0.0.1:{port}/postgres");
    let error = refusal(&url, schema("durable")).await?;
    assert_eq!(error.kind(), StoreErrorKind::Unsupported, "{error}");
    assert!(error.to_string().contains("pool_mode = session"), "{error}");
    let schemas = "SELECT count(*) FROM pg_namespace WHERE nspname = 'durable'";
    assert_eq!(count(&server.url(), schemas).await?, 0);
    Ok(())
}

/// The one that people use.
#[tokio::test]
async fn pgbouncer_is_refused_in_transaction_mode() -> Result<()> {
    needs!(Server, Pooler);
    let server = Server::start()?;
    let pooler = Pooler::start(&server, PoolMode::Transaction)?;
    let error = refusal(&pooler.url(), schema("durable")).await?;
    assert_eq!(error.kind(), StoreErrorKind::Unsupported, "{error}");
    assert!(error.to_string().contains("pool_mode = session"), "{error}");
    let schemas = "SELECT count(*) FROM pg_namespace WHERE nspname = 'durable'";
    assert_eq!(count(&server.url(), schemas).await?, 0);
    Ok(())
}

#[durable::workflow]
async fn greets(ctx: &Ctx) -> Result<String> {
    let name = ctx.signal::<String>("name").await?;
    let greeting = ctx
        .step("greet", |_| async {
            Ok::<_, std::io::Error>("hello ".to_owned())
        })
        .await?;
    Ok(greeting + &name)
}

#[tokio::test]
async fn pgbouncer_in_session_mode_is_as_good_as_the_server() -> Result<()> {
    needs!(Server, Pooler);
    let server = Server::start()?;
    let pooler = Pooler::start(&server, PoolMode::Session)?;
    let engine = Engine::open(&pooler.url()).await?;
    let peer = PostgresStore::open(&pooler.url()).await?;
    assert!(peer.hint().await.missed && peer.is_hinted());
    let run = engine.client().start::<greets>("run", ()).await?;
    run.signal(greets::name, "world".to_owned()).await?;
    assert_eq!(run.result().await?, "hello world");
    // The worker's lock is one that others see.
    until(
        &server.url(),
        "EXISTS (SELECT FROM durable.workers WHERE session IS NOT NULL)",
    )
    .await?;
    engine.shutdown().await?;
    Ok(peer.close().await?)
}

#[tokio::test]
async fn a_store_is_shown_without_its_password() -> Result<()> {
    needs!(Server);
    let server = Server::start()?;
    let url = as_user(&server.url(), "durable");
    let store = PostgresStore::open(&url).await?;
    let shown = format!("{store:?}");
    assert!(!shown.contains(SECRET), "{shown}");
    assert!(shown.contains("database `postgres`"), "{shown}");
    store.close().await?;
    let error = store
        .register_worker(NewWorker::until(later(1)))
        .await
        .err();
    let error = error.ok_or("a closed store answers")?;
    assert!(!format!("{error} {error:?}").contains(SECRET), "{error:?}");
    Ok(())
}
