//! What somebody does to one run in the database, on a real server: the others go on.

use std::{sync::Arc, time::Duration};

use durable::{
    Engine, Result, Status,
    journal::{EventKind, MailId, Payload, RunKey},
    prelude::Ctx,
    store::{
        Batch, BatchId, Claim, Commit, CommitOutcome, NewWorker, Ownership, PostgresOptions,
        PostgresStore, RunUpdate, Store, StoreErrorKind,
    },
};
use durable_tests::{needs, server::Database};
use sqlx::Executor;
use tokio::time::timeout;

use crate::support::{NOW, PATIENCE, execute, hold, later, start, starts, step, until};

/// How many sessions wait for a lock.
const SOMEBODY_WAITS: &str = "EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() \
     AND wait_event_type = 'Lock')";

/// Three words, in the order in which they come.
#[durable::workflow]
async fn three(ctx: &Ctx) -> Result<Vec<String>> {
    let mut words = Vec::new();
    for _ in 0..3 {
        words.push(ctx.signal::<String>("word").await?);
    }
    Ok(words)
}

/// One word.
#[durable::workflow]
async fn one(ctx: &Ctx) -> Result<String> {
    Ok(ctx.signal::<String>("word").await?)
}

#[tokio::test]
async fn a_run_that_somebody_holds_waits_alone_and_gets_its_signals_in_order() -> Result<()> {
    needs!(Database);
    let database = Database::shared().await?;
    let url = database.url();
    let engine = Engine::open(url).await?;
    let client = engine.client();
    let held = client.start::<three>("held", ()).await?;
    held.reaches(Status::Suspended).await?;
    let mut somebody = hold(url, "SELECT FROM durable.runs WHERE id = 'held' FOR UPDATE").await?;
    let send = |word: &str| held.signal(three::word, word.to_owned());
    let others = async {
        until(url, SOMEBODY_WAITS).await?;
        // While the row is held.
        for n in 0..20 {
            let other = client.start::<one>(format!("other-{n}"), ()).await?;
            other.signal(one::word, "hello".to_owned()).await?;
            assert_eq!(other.result().await?, "hello");
        }
        assert!(!held.status().await?.status.is_terminal());
        somebody.execute("COMMIT").await?;
        Ok::<_, Box<dyn std::error::Error + Send + Sync>>(())
    };
    let all = async { tokio::join!(biased; send("a"), send("b"), send("c"), others) };
    let (a, b, c, others) = timeout(PATIENCE, all).await?;
    others?;
    for sent in [a, b, c] {
        sent?;
    }
    assert_eq!(held.result().await?, ["a", "b", "c"]);
    engine.shutdown().await
}

/// A commit after which nobody owns the run.
fn lets_go(run: RunKey, status: Status) -> Commit {
    let mut commit = step(run, 0);
    if status == Status::Completed {
        commit.events[0].step = None;
        commit.events[0].kind = EventKind::Completed {
            output: Payload::from_bytes(*b"1"),
        };
    }
    commit.update = Some(RunUpdate {
        status,
        ownership: Ownership::Release {
            due: None,
            seen: MailId::new(0),
        },
        reason: None,
    });
    commit
}

/// Whatever a batch does to its runs, it takes their locks in the order of the runs, as everybody does: so
/// nobody waits in a circle, and a claim passes by.
#[tokio::test]
async fn a_batch_that_ends_runs_locks_in_order_and_a_claim_passes_by() -> Result<()> {
    needs!(Database);
    let database = Database::shared().await?;
    let url = database.url();
    let store = Arc::new(PostgresStore::open(url).await?);
    let worker = store.register_worker(NewWorker::until(later(60))).await?;
    let low = start(&store, "low", worker).await?;
    let high = start(&store, "high", worker).await?;
    let mut due = starts("due", worker);
    due.starts[0].owner = None;
    store.commit(&due).await?;

    let row = |run: RunKey| {
        format!(
            "SELECT FROM durable.runs WHERE run = {} FOR NO KEY UPDATE",
            run.get()
        )
    };
    let mut other = hold(url, &row(low)).await?;
    let batch = Batch {
        id: Some(BatchId { worker, number: 1 }),
        commits: vec![
            lets_go(high, Status::Suspended),
            lets_go(low, Status::Completed),
        ],
        ..Batch::default()
    };
    let ending = Arc::clone(&store);
    let ending = tokio::spawn(async move {
        loop {
            match ending.commit(&batch).await {
                // For as long as this takes to look.
                Err(error) if error.kind() == StoreErrorKind::Locked => {}
                done => return done,
            }
        }
    });
    until(url, SOMEBODY_WAITS).await?;
    let claim = Claim::new(worker, NOW, 10);
    let claimed = store.claim(claim).await?.runs;
    assert_eq!(claimed.len(), 1);
    // Nobody who locks them in order could wait for it while it waits for the first.
    let next = format!("{} NOWAIT", row(high));
    other
        .execute(sqlx::raw_sql(sqlx::AssertSqlSafe(next)))
        .await?;
    other.execute("COMMIT").await?;
    let outcome = ending.await??;
    let committed = |outcome: &CommitOutcome| matches!(outcome, CommitOutcome::Committed { .. });
    assert!(outcome.commits.iter().all(committed), "{outcome:?}");
    let store = Arc::into_inner(store).ok_or("it is still used")?;
    Ok(store.close().await?)
}

/// One run's journal does not come within the time of a call, as over a slow line.
#[tokio::test]
async fn a_run_that_does_not_load_in_time_waits_alone() -> Result<()> {
    needs!(Database);
    let database = Database::shared().await?;
    let url = database.url();
    let first = Engine::open(url).await?;
    for id in ["culprit", "a", "b", "c"] {
        let run = first.client().start::<one>(id, ()).await?;
        run.reaches(Status::Suspended).await?;
    }
    first.shutdown().await?;
    let slow = |seconds: u32| {
        format!(
            "CREATE OR REPLACE FUNCTION is_shown(of BIGINT) RETURNS BOOLEAN LANGUAGE plpgsql AS $$ BEGIN \
             IF current_query() LIKE 'SELECT run, kind, step, data%' \
             AND of = (SELECT run FROM runs WHERE id = 'culprit') THEN PERFORM pg_sleep({seconds}); END IF; \
             RETURN TRUE; END $$;"
        )
    };
    execute(
        url,
        &format!(
            "SET search_path TO durable; {} ALTER TABLE journal RENAME TO all_journals; \
             CREATE VIEW journal AS SELECT * FROM all_journals WHERE is_shown(run); \
             INSERT INTO mailbox (run, mail, at, kind, name, data) \
             SELECT run, nextval('mail_numbers'), 0, 1, 'word', '\"hello\"' FROM runs ORDER BY run; \
             UPDATE runs SET due = run",
            slow(60)
        ),
    )
    .await?;
    let options = PostgresOptions::default().call_timeout(Duration::from_millis(300));
    let store = PostgresStore::open_with(url, options).await?;
    let second = Engine::builder().start(store).await?;
    for id in ["a", "b", "c"] {
        let run = second.client().attach::<one>(id).await?;
        assert_eq!(timeout(PATIENCE, run.result()).await??, "hello", "{id}");
    }
    let culprit = second.client().attach::<one>("culprit").await?;
    assert!(!culprit.status().await?.status.is_terminal());
    execute(url, &format!("SET search_path TO durable; {}", slow(0))).await?;
    assert_eq!(timeout(PATIENCE, culprit.result()).await??, "hello");
    second.shutdown().await
}
