//! On PostgreSQL: hints for clients, an outage in the midst of a call, and what rights a client needs.

use std::{sync::Arc, time::Duration};

use durable::{
    Engine, Result, Status,
    journal::{Payload, RunId, Timestamp, WorkerId},
    store::{
        Batch, BatchId, Hint, MailKind, MailTarget, NewMail, PostgresOptions, PostgresStore, Store,
        StoreErrorKind,
    },
};
use durable_tests::{
    needs,
    proxy::{Mode, Proxy},
    server::{Database, Server},
    soon,
};
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};

use super::world::{World, knowing_nothing, letters, post};

async fn execute(url: &str, sql: &str) -> Result<()> {
    let mut shell = PgConnection::connect(url).await?;
    shell.execute(sqlx::raw_sql(AssertSqlSafe(sql))).await?;
    Ok(shell.close().await?)
}

async fn count(url: &str, sql: &str) -> Result<i64> {
    let mut shell = PgConnection::connect(url).await?;
    let count = sqlx::query_scalar(AssertSqlSafe(sql))
        .fetch_one(&mut shell)
        .await?;
    shell.close().await?;
    Ok(count)
}

/// A worker that looks for nothing by itself: only hints reach it.
fn looks_never() -> durable::EngineBuilder {
    Engine::builder().lease(Duration::from_secs(36_000))
}

/// A worker alone tells what has ended only to those who listen; a client does.
#[tokio::test]
async fn a_client_and_a_single_worker_tell_each_other() -> Result<()> {
    needs!(Database);
    let world = World::postgres().await?;
    let engine = world.engine_of(looks_never()).await?;
    let listener = PostgresStore::connect(&world.address()).await?;
    let begun = soon(listener.hint()).await?;
    assert!(begun.missed && listener.is_hinted());
    let client = world.client().await?;
    let run = client.start::<post>("p", 7).await?;
    run.signal(post::stamps, 2).await?;
    assert_eq!(soon(run.result()).await??, 14);
    let number = count(&world.address(), "SELECT run FROM durable.runs").await?;
    let told = async {
        loop {
            let Hint { ended, .. } = listener.hint().await;
            if ended.iter().any(|run| run.get() == number) {
                return;
            }
        }
    };
    soon(told).await?;
    listener.close().await?;
    engine.shutdown().await
}

/// What is sent to a run in a worker's memory reaches it by a hint.
#[tokio::test]
async fn a_signal_reaches_a_run_in_memory_elsewhere() -> Result<()> {
    needs!(Database);
    let world = World::postgres().await?;
    let engine = world
        .engine_of(looks_never().linger(Duration::from_secs(36_000)))
        .await?;
    let client = world.client().await?;
    let run = client.start::<letters>("l", 3).await?;
    soon(run.reaches(Status::Suspended)).await??;
    for number in 0..3 {
        run.signal(letters::letter, number).await?;
    }
    assert_eq!(soon(run.result()).await??, [0, 1, 2]);
    engine.shutdown().await
}

/// Without hints, both look.
#[tokio::test]
async fn a_client_without_hints_looks_by_itself() -> Result<()> {
    needs!(Database);
    let world = World::postgres().await?;
    let engine = world.engine().await?;
    let options = PostgresOptions::default()
        .notifications(false)
        .connections(1);
    let store = PostgresStore::connect_with(&world.address(), options).await?;
    let client = knowing_nothing().on(store).await?;
    let run = client.start::<post>("p", 7).await?;
    run.signal(post::stamps, 2).await?;
    assert_eq!(soon(run.result()).await??, 14);
    engine.shutdown().await
}

/// A client through a bad network: what it asks for in the midst of an outage has its effect once.
#[tokio::test]
async fn an_outage_in_the_midst_of_a_call_repeats_nothing() -> Result<()> {
    needs!(Server);
    let server = Server::start()?;
    let database = server.database().await?;
    PostgresStore::open(database.url()).await?.close().await?;
    let proxy = Proxy::start(server.port())?;
    let (_, name) = database.url().rsplit_once('/').unwrap_or_default();
    let url = format!("postgres://durable@127.0.0.1:{}/{name}", proxy.port());
    let options = PostgresOptions::default().call_timeout(Duration::from_secs(2));
    let store = PostgresStore::connect_with(&url, options).await?;
    let client = knowing_nothing().on(store).await?;
    let mut broken = 0;
    for (round, mode) in (0..12_u32).zip(
        [Mode::LoseReplies, Mode::Reset, Mode::Stall]
            .into_iter()
            .cycle(),
    ) {
        let id = format!("l{round}");
        proxy.set(mode);
        let asking = tokio::spawn({
            let (client, id) = (client.clone(), id.clone());
            async move {
                let run = client.start::<letters>(&id, 2).await?;
                run.signal(letters::letter, round).await?;
                Ok::<_, durable::Error>(run)
            }
        });
        // Long enough for the first tries to fail.
        soon(async {
            while mode != Mode::Stall && proxy.broken() == broken && client.trouble().is_none() {
                tokio::task::yield_now().await;
            }
        })
        .await?;
        proxy.set(Mode::Pass);
        let run = soon(asking).await???;
        broken = proxy.broken();
        // And a second one, whose reply is lost each time.
        proxy.set(Mode::LoseReplies);
        let signaling =
            tokio::spawn(async move { run.signal(letters::letter, 1_000 + round).await });
        soon(async {
            while proxy.broken() == broken {
                tokio::task::yield_now().await;
            }
        })
        .await?;
        proxy.set(Mode::Pass);
        soon(signaling).await???;
        broken = proxy.broken();
    }
    assert_eq!(
        count(database.url(), "SELECT count(*) FROM durable.runs").await?,
        12
    );
    assert_eq!(
        count(database.url(), "SELECT count(*) FROM durable.mailbox").await?,
        24
    );
    let engine = Engine::open(database.url()).await?;
    for round in 0..12_u32 {
        let run = engine
            .client()
            .attach::<letters>(format!("l{round}"))
            .await?;
        assert_eq!(soon(run.result()).await??, [round, 1_000 + round]);
    }
    engine.shutdown().await
}

/// A server whose database has the schema, and a role without any right on it.
async fn guarded() -> Result<(Server, String)> {
    let server = Server::start()?;
    let url = server.url();
    execute(&url, "CREATE ROLE \"front\"\"end\" LOGIN").await?;
    PostgresStore::open(&url).await?.close().await?;
    let weak = format!(
        "postgres://front%22end@127.0.0.1:{}/postgres",
        server.port()
    );
    Ok((server, weak))
}

/// Executes exactly what an error asks for.
async fn grant(url: &str, error: &str) -> Result<usize> {
    let quoted = error.split('`').skip(1).step_by(2);
    let statements: Vec<_> = quoted.filter(|text| text.starts_with("GRANT")).collect();
    for statement in &statements {
        execute(url, statement).await?;
    }
    Ok(statements.len())
}

/// All that a client does, as that role.
async fn all_works(url: &str, id: &str) -> Result<()> {
    let store = PostgresStore::connect(url).await?;
    let client = knowing_nothing().on(store).await?;
    let many = (0..20).map(|n| {
        let (client, id) = (client.clone(), format!("{id}-{n}"));
        tokio::spawn(async move {
            client.start_by_name("letters", &id, "2").await?;
            client.start_by_name("letters", &id, "2").await?;
            client.signal_by_name(&id, "letter", "1").await?;
            client.cancel(&id).await
        })
    });
    for one in many.collect::<Vec<_>>() {
        one.await??;
    }
    client.status(format!("{id}-0")).await?;
    client.history(format!("{id}-0")).await?;
    assert!(client.list().next_page().await?.len() >= 20);
    Ok(())
}

#[tokio::test]
async fn a_client_needs_fewer_rights_than_a_worker_and_is_told_which() -> Result<()> {
    needs!(Server);
    let (server, weak) = guarded().await?;
    let url = server.url();
    let mut granted = 0;
    while let Err(error) = PostgresStore::connect(&weak).await {
        assert_eq!(error.kind(), StoreErrorKind::Denied, "{error}");
        let grants = grant(&url, &error.to_string()).await?;
        assert!(grants > 0 && granted < 10, "{error}");
        granted += grants;
    }
    all_works(&weak, "run").await?;
    // It is no worker's role, and cannot do what the engine alone does.
    let error = PostgresStore::open(&weak)
        .await
        .err()
        .ok_or("it may work")?;
    assert_eq!(error.kind(), StoreErrorKind::Denied, "{error}");
    for forbidden in [
        "INSERT INTO durable.journal (run, at, position, kind) VALUES (1, 1, 1, 1)",
        "DELETE FROM durable.runs",
        "DELETE FROM durable.mailbox",
        "UPDATE durable.workers SET lease_until = 0",
        "INSERT INTO durable.workers (lease_until) VALUES (0)",
        "CREATE TABLE durable.t (n INTEGER)",
    ] {
        let error = execute(&weak, forbidden).await.err();
        let error = error.ok_or(forbidden)?.to_string();
        assert!(error.contains("permission denied"), "{forbidden}: {error}");
    }
    Ok(())
}

/// Each right alone is asked for if it is needed, and not missed if it is not.
#[tokio::test]
async fn each_right_of_a_client_is_needed() -> Result<()> {
    needs!(Server);
    let (server, weak) = guarded().await?;
    let url = server.url();
    while let Err(error) = PostgresStore::connect(&weak).await {
        assert!(grant(&url, &error.to_string()).await? > 0, "{error}");
    }
    let tables = ["sent_batches", "journal", "mailbox", "runs", "workers"];
    let on_tables = tables.map(|table| format!("SELECT ON durable.{table}"));
    let others = [
        "USAGE ON SCHEMA durable",
        "INSERT ON durable.sent_batches",
        "INSERT ON durable.mailbox",
        "INSERT ON durable.runs",
        "UPDATE ON durable.sent_batches",
        "UPDATE ON durable.runs",
        "USAGE ON SEQUENCE durable.due_numbers",
        "USAGE ON SEQUENCE durable.mail_numbers",
        "USAGE ON SEQUENCE durable.run_numbers",
    ];
    let rights = on_tables.into_iter().chain(others.map(str::to_owned));
    for (n, right) in rights.enumerate() {
        execute(&url, &format!("REVOKE {right} FROM \"front\"\"end\"")).await?;
        let error = PostgresStore::connect(&weak)
            .await
            .err()
            .ok_or(right.clone())?;
        assert_eq!(error.kind(), StoreErrorKind::Denied, "{right}: {error}");
        assert_eq!(
            grant(&url, &error.to_string()).await?,
            1,
            "{right}: {error}"
        );
        all_works(&weak, &format!("r{n}")).await?;
    }
    Ok(())
}

/// What clients have sent last is remembered for a week after that, though no row says whether they live.
#[tokio::test]
async fn what_a_client_has_sent_is_forgotten_a_week_later() -> Result<()> {
    needs!(Database);
    let world = World::postgres().await?;
    let url = world.address();
    let client = world.client().await?;
    client.start_by_name("any", "p", "1").await?;
    client.signal_by_name("p", "s", "1").await?;
    let batches = "SELECT count(*) FROM durable.sent_batches WHERE worker < 0";
    assert_eq!(count(&url, batches).await?, 1);
    let store = PostgresStore::open(&url).await?;
    let now = store.clock().ok_or("it has no clock")?.now();
    let day = Duration::from_secs(24 * 3_600);
    for (days, left) in [(1, 1), (6, 1), (8, 0)] {
        store.reap(now.after(days * day)).await?;
        assert_eq!(count(&url, batches).await?, left, "day {days}");
    }
    // It goes on all the same.
    client.signal_by_name("p", "s", "2").await?;
    assert_eq!(count(&url, batches).await?, 1);
    assert_eq!(
        count(&url, "SELECT count(*) FROM durable.mailbox").await?,
        2
    );
    Ok(store.close().await?)
}

/// A batch of several pieces of mail is known again, also while its first try is on its way.
#[tokio::test]
async fn a_batch_of_a_client_is_written_once() -> Result<()> {
    needs!(Database);
    let database = Database::shared().await?;
    let url = database.url();
    let store = PostgresStore::open(url).await?;
    let asker = knowing_nothing()
        .on(PostgresStore::connect(url).await?)
        .await?;
    asker.start_by_name("any", "p", "1").await?;
    let run = store
        .find(&RunId::new("p")?)
        .await?
        .ok_or("it is not there")?;
    let client = WorkerId::new(-7);
    assert!(client.is_client());
    let mail = |n: u32| NewMail {
        to: match n % 2 {
            0 => MailTarget::Key(run.run),
            _ => MailTarget::Id(run.id.clone()),
        },
        kind: MailKind::Signal {
            name: "s".to_owned(),
            payload: Payload::from_bytes(n.to_string().into_bytes()),
        },
        at: Timestamp::from_micros(5),
    };
    let batch = |number, mails: u32| Batch {
        id: Some(BatchId {
            worker: client,
            number,
        }),
        mail: (0..mails).map(mail).collect(),
        ..Batch::default()
    };
    let asking = Arc::new(PostgresStore::connect(url).await?);
    assert_eq!(numbered(&asking, &batch(1, 5), 4).await?, 5);
    // A later one is written, and an earlier one never again.
    asking.commit(&batch(3, 2)).await?;
    assert!(
        asking
            .settle(BatchId {
                worker: client,
                number: 3
            })
            .await?
    );
    assert!(
        !asking
            .settle(BatchId {
                worker: client,
                number: 9
            })
            .await?
    );
    for (number, mails) in [(2, 3), (1, 5), (9, 1), (9, 2)] {
        let outcome = asking.commit(&batch(number, mails)).await?;
        assert_eq!(outcome.mail.len(), usize::try_from(mails)?);
        let numbers = outcome
            .mail
            .into_iter()
            .filter_map(|mail| mail.delivery()?.mail);
        assert_eq!(numbers.count(), 0);
    }
    assert_eq!(store.mailbox(run.run).await?.len(), 7);
    asking.close().await?;
    Ok(store.close().await?)
}

/// Writes a batch several times at once; gives how many pieces of mail were numbered in all.
async fn numbered(store: &Arc<PostgresStore>, batch: &Batch, tries: usize) -> Result<usize> {
    let tries = (0..tries).map(|_| {
        let (store, batch) = (Arc::clone(store), batch.clone());
        tokio::spawn(async move { store.commit(&batch).await })
    });
    let mut numbered = 0;
    for outcome in tries.collect::<Vec<_>>() {
        let mail = outcome.await??.mail.into_iter();
        numbered += mail.filter_map(|mail| mail.delivery()?.mail).count();
    }
    Ok(numbered)
}
