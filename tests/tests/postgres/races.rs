//! What a statement must see of what was committed while it waited, and who must not wait for whom.

use std::{sync::Arc, time::Duration};

use durable::{
    Engine, Result, Status,
    journal::MailId,
    prelude::Ctx,
    store::{
        Batch, BatchId, Claim, CommitOutcome, NewWorker, Ownership, PostgresOptions, PostgresStore,
        RunUpdate, Store,
    },
};
use durable_tests::{needs, server::Database};
use sqlx::Executor;

use crate::support::{
    NOW, commits, count, execute, hold, later, signal, start, starts, step, until,
};

/// How many sessions wait for a lock.
const SOMEBODY_WAITS: &str = "EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() \
     AND wait_event_type = 'Lock')";

/// Mail is committed by another session while a release waits for the run's lock: the run is due.
async fn a_release_sees_mail_that_came_while_it_waited(url: &str) -> Result<()> {
    let store = Arc::new(PostgresStore::open(url).await?);
    let worker = store.register_worker(NewWorker::until(later(60))).await?;
    let run = start(&store, "a", worker).await?;
    let mut sender = hold(
        url,
        "SET search_path TO durable; SELECT FROM runs FOR NO KEY UPDATE; \
         INSERT INTO mailbox (run, mail, at, kind, name, data) \
         SELECT run, nextval('mail_numbers'), 0, 1, 's', '1' FROM runs",
    )
    .await?;
    let mut release = step(run, 0);
    release.update = Some(RunUpdate {
        status: Status::Suspended,
        ownership: Ownership::Release {
            due: None,
            seen: MailId::new(0),
        },
        reason: None,
    });
    let releasing = Arc::clone(&store);
    let releasing = tokio::spawn(async move { releasing.commit(&commits(release)).await });
    until(url, SOMEBODY_WAITS).await?;
    sender.execute("COMMIT").await?;
    releasing.await??;
    let claim = Claim::new(worker, NOW, 1);
    let claimed = store.claim(claim).await?.runs;
    assert_eq!(claimed.len(), 1, "the run sleeps through its mail");
    assert_eq!(claimed[0].mail.len(), 1);
    Ok(store.close().await?)
}

#[tokio::test]
async fn mail_that_comes_while_a_release_waits_is_not_overlooked() -> Result<()> {
    needs!(Database);
    let database = Database::shared().await?;
    a_release_sees_mail_that_came_while_it_waited(database.url()).await
}

/// The same on a database whose owner prefers transactions that see nothing new.
#[tokio::test]
async fn the_databases_own_isolation_level_does_not_matter() -> Result<()> {
    needs!(Database);
    let database = Database::shared().await?;
    execute(
        database.url(),
        "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET default_transaction_isolation TO \
         ''serializable''', current_database()); END $$",
    )
    .await?;
    a_release_sees_mail_that_came_while_it_waited(database.url()).await
}

/// A worker that is taken for dead is still writing when its run is claimed: what it wrote is loaded.
#[tokio::test]
async fn a_claim_loads_what_was_written_while_it_waited() -> Result<()> {
    needs!(Database);
    let database = Database::shared().await?;
    let url = database.url();
    let store = PostgresStore::open(url).await?;
    let dead = store.register_worker(NewWorker::until(later(1))).await?;
    let run = start(&store, "a", dead).await?;
    // Its commit, under way: the lock is held and the event is not yet there for others.
    let mut writing = hold(
        url,
        "SET search_path TO durable; SELECT FROM runs FOR NO KEY UPDATE; \
         INSERT INTO journal (run, at, position, kind, step, data) \
         SELECT run, 0, 0, 1, 'work', '1' FROM runs",
    )
    .await?;
    let store = Arc::new(store);
    let reaping = Arc::clone(&store);
    let reaping = tokio::spawn(async move { reaping.reap(later(2)).await });
    until(url, SOMEBODY_WAITS).await?;
    writing.execute("COMMIT").await?;
    assert_eq!(reaping.await??, 1);
    let heir = store.register_worker(NewWorker::until(later(60))).await?;
    let claim = Claim::new(heir, later(2), 1);
    let claimed = store.claim(claim).await?.runs;
    assert_eq!((claimed[0].run, claimed[0].events.len()), (run, 1));
    let late = store.commit(&commits(step(run, 1))).await?;
    assert_eq!(late.commits, [CommitOutcome::LostOwnership]);
    Ok(store.close().await?)
}

/// The row of a worker stands for the locks of its runs: once it is gone, nothing more is written, though
/// the runs have not come free yet; and while a batch holds it, they do not come free.
#[tokio::test]
async fn a_batch_stands_and_falls_with_the_row_of_its_worker() -> Result<()> {
    needs!(Database);
    let database = Database::shared().await?;
    let url = database.url();
    let store = PostgresStore::open(url).await?;
    let worker = store.register_worker(NewWorker::until(later(1))).await?;
    let [a, b] = [
        start(&store, "a", worker).await?,
        start(&store, "b", worker).await?,
    ];
    let batch = |number, position| Batch {
        id: Some(BatchId { worker, number }),
        commits: vec![step(a, position), step(b, position)],
        ..Batch::default()
    };
    let written = store.commit(&batch(1, 0)).await?;
    assert!(!written.commits.contains(&CommitOutcome::LostOwnership));
    let mut writing = hold(url, "SELECT FROM durable.workers FOR KEY SHARE").await?;
    assert_eq!(store.reap(later(2)).await?, 0);
    writing.execute("COMMIT").await?;
    execute(url, "DELETE FROM durable.workers").await?;
    let late = store.commit(&batch(2, 1)).await?;
    assert_eq!(late.commits, [const { CommitOutcome::LostOwnership }; 2]);
    assert_eq!(count(url, "SELECT count(*) FROM durable.journal").await?, 2);
    assert_eq!(store.reap(later(2)).await?, 2);
    Ok(store.close().await?)
}

/// The lease is renewed while every other connection waits for somebody else's lock.
#[tokio::test]
async fn a_batch_that_is_stuck_does_not_starve_the_lease() -> Result<()> {
    needs!(Database);
    let database = Database::shared().await?;
    let url = database.url();
    let options = PostgresOptions::default().connections(1);
    let store = Arc::new(PostgresStore::open_with(url, options).await?);
    let worker = store.register_worker(NewWorker::until(later(60))).await?;
    let run = start(&store, "a", worker).await?;
    let mut other = hold(url, "SELECT FROM durable.runs FOR NO KEY UPDATE").await?;
    let stuck = Arc::clone(&store);
    let stuck = tokio::spawn(async move { stuck.commit(&signal(run)).await });
    until(url, SOMEBODY_WAITS).await?;
    assert!(store.renew_lease(worker, later(90)).await?);
    assert!(!stuck.is_finished());
    other.execute("COMMIT").await?;
    stuck.await??;
    Ok(store.close().await?)
}

/// Waits for a word, and passes it on.
#[durable::workflow]
async fn waiter(ctx: &Ctx) -> Result<String> {
    Ok(ctx.signal::<String>("word").await?)
}

/// A batch is stuck for longer than the lease, and the worker is not taken for dead.
#[tokio::test]
async fn a_worker_keeps_its_lease_while_its_batch_is_stuck() -> Result<()> {
    needs!(Database);
    let database = Database::shared().await?;
    let url = database.url();
    let store = PostgresStore::open(url).await?;
    let lease = Duration::from_millis(600);
    let engine = Engine::builder().lease(lease).start(store).await?;
    let run = engine.client().start::<waiter>("a", ()).await?;
    run.reaches(Status::Suspended).await?;
    let mut other = hold(url, "SELECT FROM durable.runs FOR NO KEY UPDATE").await?;
    let stuck = run.clone();
    let stuck = tokio::spawn(async move { stuck.signal(waiter::word, "hello".to_owned()).await });
    until(url, SOMEBODY_WAITS).await?;
    let begun = count(url, "SELECT lease_until FROM durable.workers").await?;
    // Three times the lease later, by the lease's own account.
    until(
        url,
        &format!("(SELECT lease_until FROM durable.workers) > {begun} + 1800000"),
    )
    .await?;
    assert!(!stuck.is_finished());
    other.execute("COMMIT").await?;
    stuck.await??;
    assert_eq!(run.result().await?, "hello");
    engine.shutdown().await
}

/// However many calls are dropped in whatever moment, no transaction stays open.
#[tokio::test]
async fn calls_that_are_dropped_leave_no_transaction_open() -> Result<()> {
    needs!(Database);
    let database = Database::shared().await?;
    let url = database.url();
    let options = PostgresOptions::default().connections(2);
    let store = PostgresStore::open_with(url, options).await?;
    let worker = store.register_worker(NewWorker::until(later(60))).await?;
    for n in 0..200_u64 {
        let batch = starts(&n.to_string(), worker);
        let wait = Duration::from_micros(n * 7);
        // Given up or not, the call ends.
        drop(tokio::time::timeout(wait, store.commit(&batch)).await);
    }
    // Behind all of them on both connections.
    for n in 0..200 {
        store.commit(&starts(&n.to_string(), worker)).await?;
    }
    let open = "SELECT count(*) FROM pg_stat_activity \
                WHERE datname = current_database() AND state LIKE 'idle in transaction%'";
    assert_eq!(count(url, open).await?, 0);
    assert_eq!(count(url, "SELECT count(*) FROM durable.runs").await?, 200);
    Ok(store.close().await?)
}
