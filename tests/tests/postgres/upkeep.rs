//! What the database keeps, and what a search in it costs.

use durable::{
    Result,
    journal::RunKey,
    store::{Batch, BatchId, NewWorker, PostgresStore, RunQuery, Store},
};
use durable_tests::{needs, server::Database};
use sha2::{Digest, Sha256};
use sqlx::{AssertSqlSafe, Connection, PgConnection};

use crate::support::{count, execute, later, signal, start};

/// The schema as version 2 made it.
const VERSION_2: [&str; 2] = [
    include_str!("../../../durable-runtime/migrations/postgres/0001_init.sql"),
    include_str!("../../../durable-runtime/migrations/postgres/0002_write_batch.sql"),
];

/// Workers of builds that were released call the function by its name.
#[test]
fn the_text_that_writes_a_batch_changes_its_name_when_it_changes() {
    let text = include_str!("../../../durable-runtime/src/store/postgres/write_batch.sql");
    let hash = Sha256::digest(text);
    let hash: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(
        hash, "5a95f6d81420c756e1a34af6d3a5e76b041e981ff7cb306600de3d50f3e69cf8",
        "give the function the name of its next version, in `write_batch.rs`, and note the new hash here"
    );
}

const DAY: u64 = 24 * 3600;

#[tokio::test]
async fn a_database_of_version_2_keeps_all_it_has_and_goes_on() -> Result<()> {
    needs!(Database);
    let database = Database::shared().await?;
    let url = database.url();
    let migrations = VERSION_2.join(";");
    execute(
        url,
        &format!(
            "CREATE SCHEMA durable; SET search_path TO durable; \
             CREATE TABLE durable_versions (version INTEGER PRIMARY KEY, \
             applied_at TIMESTAMPTZ NOT NULL DEFAULT now()); {migrations}; \
             INSERT INTO durable_versions (version) VALUES (1), (2); \
             INSERT INTO runs (run, epoch, seed, created_at, updated_at, status, id, workflow, input) \
             VALUES (nextval('run_numbers'), 1, 7, 5, 5, 4, 'old', 'flow', '1'); \
             INSERT INTO journal (run, at, position, kind, data) VALUES (1, 6, 0, 17, '1'); \
             INSERT INTO batches (worker, number) VALUES (1, 5)"
        ),
    )
    .await?;
    let store = PostgresStore::open(url).await?;
    let worker = store.register_worker(NewWorker::until(later(60))).await?;
    let old = store
        .list(&RunQuery {
            limit: 9,
            ..RunQuery::default()
        })
        .await?;
    assert_eq!(old.runs.len(), 1);
    assert_eq!(store.history(old.runs[0].run).await?.len(), 1);
    let new = start(&store, "new", worker).await?;
    execute(url, "DELETE FROM durable.runs WHERE id = 'old'").await?;
    assert!(store.history(old.runs[0].run).await?.is_empty());
    assert!(store.read(new).await?.is_some());
    Ok(store.close().await?)
}

#[tokio::test]
async fn the_runs_of_one_workflow_are_listed_by_an_index() -> Result<()> {
    needs!(Database);
    let database = Database::shared().await?;
    let url = database.url();
    let store = PostgresStore::open(url).await?;
    execute(
        url,
        "SET search_path TO durable; \
         INSERT INTO runs (run, epoch, seed, created_at, updated_at, status, id, workflow, input) \
         SELECT nextval('run_numbers'), 1, n, 5, 5, 4, n::TEXT, \
         CASE WHEN n < 4 THEN 'rare' ELSE 'common' END, '1' FROM generate_series(1, 30000) AS n; \
         ANALYZE runs",
    )
    .await?;
    let rare = RunQuery {
        workflow: Some("rare".to_owned()),
        limit: 10,
        ..RunQuery::default()
    };
    assert_eq!(store.list(&rare).await?.runs.len(), 3);
    let none = RunQuery {
        workflow: Some("none".to_owned()),
        ..rare
    };
    assert!(store.list(&none).await?.runs.is_empty());
    store.close().await?;
    let mut connection = PgConnection::connect(url).await?;
    let plan: Vec<String> = sqlx::query_scalar(
        "EXPLAIN SELECT * FROM durable.runs WHERE run < 30000 AND workflow = 'rare' \
         ORDER BY run DESC LIMIT 11",
    )
    .fetch_all(&mut connection)
    .await?;
    let plan = plan.join("; ");
    assert!(plan.contains("using runs_workflow"), "{plan}");
    Ok(connection.close().await?)
}

#[tokio::test]
async fn lists_go_by_the_index_with_the_fewest_runs() -> Result<()> {
    needs!(Database);
    let database = Database::shared().await?;
    let url = database.url();
    let store = PostgresStore::open(url).await?;
    // 3 runs are rare and 3 have failed; every third run is a child of the first.
    execute(
        url,
        "SET search_path TO durable; \
         INSERT INTO runs (run, epoch, parent, parent_step, seed, created_at, updated_at, status, id, \
         workflow, input) SELECT nextval('run_numbers'), 1, CASE WHEN n % 3 = 0 THEN 1 END, \
         CASE WHEN n % 3 = 0 THEN 'c' END, n, 5, 5, \
         CASE WHEN n BETWEEN 4 AND 6 THEN 5 ELSE 2 END, n::TEXT, \
         CASE WHEN n < 4 THEN 'rare' ELSE 'common' END, '1' FROM generate_series(1, 30000) AS n; \
         ANALYZE runs",
    )
    .await?;
    let children = RunQuery {
        parent: Some(RunKey::new(1)),
        limit: 10,
        ..RunQuery::default()
    };
    assert_eq!(store.list(&children).await?.runs.len(), 10);
    store.close().await?;
    let mut connection = PgConnection::connect(url).await?;
    for (condition, index) in [
        (
            "status IN (2) AND status <> 4 AND workflow = 'rare'",
            "runs_workflow",
        ),
        (
            "status IN (5) AND status <> 4 AND workflow = 'common'",
            "runs_status",
        ),
        ("parent = 1", "runs_children"),
        (
            "status IN (2) AND status <> 4 AND parent = 4",
            "runs_children",
        ),
    ] {
        let explain = format!(
            "EXPLAIN SELECT id FROM durable.runs WHERE run < 29000 AND {condition} ORDER BY run DESC LIMIT 11"
        );
        let plan: Vec<String> = sqlx::query_scalar(AssertSqlSafe(explain))
            .fetch_all(&mut connection)
            .await?;
        let plan = plan.join("; ");
        assert!(plan.contains(index), "{condition}: {plan}");
    }
    Ok(connection.close().await?)
}

#[tokio::test]
async fn what_a_worker_has_sent_is_forgotten_a_week_after_it_was_found_gone() -> Result<()> {
    needs!(Database);
    let database = Database::shared().await?;
    let url = database.url();
    let store = PostgresStore::open(url).await?;
    let worker = store.register_worker(NewWorker::until(later(0))).await?;
    let run = start(&store, "run", worker).await?;
    let mail = Batch {
        id: Some(BatchId { worker, number: 1 }),
        ..signal(run)
    };
    store.commit(&mail).await?;
    // As a worker of version 4 has left it.
    execute(url, "INSERT INTO durable.batches VALUES (1000, 5)").await?;
    for (days, remembered) in [(1, 1), (7, 1), (9, 0)] {
        store.reap(later(days * DAY)).await?;
        for table in ["batches", "sent_batches"] {
            let left = count(url, &format!("SELECT count(*) FROM durable.{table}")).await?;
            assert_eq!(left, remembered, "day {days}, {table}");
        }
        if days == 7 {
            // It was alive, and sends it again.
            store.commit(&mail).await?;
            assert_eq!(store.mailbox(run).await?.len(), 1);
        }
    }
    Ok(store.close().await?)
}

#[tokio::test]
async fn what_a_worker_sent_long_ago_is_not_written_again_and_hardly_remembered() -> Result<()> {
    needs!(Database);
    let database = Database::shared().await?;
    let url = database.url();
    let store = PostgresStore::open(url).await?;
    let worker = store.register_worker(NewWorker::until(later(60))).await?;
    let run = start(&store, "run", worker).await?;
    let send = async |number| {
        let mail = Batch {
            id: Some(BatchId { worker, number }),
            ..signal(run)
        };
        store.commit(&mail).await?;
        Ok::<_, durable::store::StoreError>(store.mailbox(run).await?.len())
    };
    let last = 100 << 10;
    let parts = (0..=100).map(|part| part << 10);
    let mut sent = 0;
    for number in parts.chain([last + 1]) {
        sent += 1;
        assert_eq!(send(number).await?, sent);
    }
    store.reap(later(1)).await?;
    let rows = count(url, "SELECT count(*) FROM durable.sent_batches").await?;
    assert_eq!(rows, 64);
    // What comes again, or late.
    for number in [1, 2_000, last - 1, last, last + 1] {
        assert_eq!(send(number).await?, sent, "batch {number}");
    }
    assert_eq!(send(last + 2).await?, sent + 1);
    Ok(store.close().await?)
}
