//! A database that version 1 of the schema made, with what people have done to it since.

use durable::{Engine, ErrorKind, Result, Status, prelude::*};
use durable_tests::TempDir;
use sqlx::{AssertSqlSafe, Connection, Executor, SqliteConnection};

const VERSION_1: &str = include_str!("../../../durable-runtime/migrations/sqlite/0001_init.sql");

/// Run 1 waits with a piece of mail, and run 4 is its child; run 2 has ended, and run 3 was deleted and has left its
/// journal. Worker 1 died with run 1.
const CONTENT: &str = "\
    INSERT INTO runs (run, id, workflow, status, epoch, owner, parent, parent_step, seed, input, \
    created_at, updated_at) VALUES \
    (1, 'one', 'asks', 1, 1, 1, NULL, NULL, 7, CAST('null' AS BLOB), 5, 5), \
    (2, 'two', 'asks', 4, 1, NULL, NULL, NULL, 8, CAST('null' AS BLOB), 5, 5), \
    (4, 'four', 'gone', 6, 1, NULL, 1, 'child', 9, CAST('null' AS BLOB), 5, 5); \
    INSERT INTO journal (run, position, kind, step, data, at) VALUES \
    (1, 0, 6, 'answer', NULL, 6), (2, 0, 17, NULL, CAST('\"old\"' AS BLOB), 6), \
    (9, 0, 17, NULL, CAST('\"of nobody\"' AS BLOB), 6); \
    INSERT INTO mailbox (run, kind, name, data, at) VALUES (1, 1, 'answer', CAST('\"yes\"' AS BLOB), 7); \
    INSERT INTO workers (worker, lease_until) VALUES (1, 9000000000000000); \
    INSERT INTO batches (worker, number) VALUES (1, 5); \
    CREATE VIEW mine AS SELECT count(*) AS n FROM runs; \
    PRAGMA application_id = 0x64757261; PRAGMA user_version = 1";

#[durable::workflow]
async fn asks(ctx: &Ctx, _nothing: ()) -> Result<String> {
    Ok(ctx.signal::<String>("answer").await?)
}

#[tokio::test]
async fn a_database_of_version_1_keeps_all_it_has_and_goes_on() -> Result<()> {
    let folder = TempDir::new("old-schema")?;
    let path = folder.path().join("runs.db");
    let address = format!("sqlite://{}", path.display());
    std::fs::File::create(&path)?;
    let mut shell = SqliteConnection::connect(&address).await?;
    for sql in [VERSION_1, CONTENT] {
        shell.execute(AssertSqlSafe(sql)).await?;
    }
    shell.close().await?;
    let engine = Engine::open(&address).await?;
    let client = engine.client();
    let old = client.attach::<asks>("one").await?;
    assert_eq!(old.result().await?, "yes");
    assert_eq!(client.attach::<asks>("two").await?.result().await?, "old");
    assert_eq!(client.status("four").await?.status, Status::Canceled);
    // Its number is above that of the journal which is nobody's.
    let new = client.start::<asks>("new", ()).await?;
    new.signal(asks::answer, "fresh".to_owned()).await?;
    assert_eq!(new.result().await?, "fresh");
    let mut shell = SqliteConnection::connect(&address).await?;
    let runs: i64 = sqlx::query_scalar("SELECT n FROM mine")
        .fetch_one(&mut shell)
        .await?;
    assert_eq!(runs, 4);
    let names: Vec<String> = sqlx::query_scalar("SELECT id FROM run_list ORDER BY run")
        .fetch_all(&mut shell)
        .await?;
    assert_eq!(names, ["one", "two", "four", "new"]);
    let number: i64 = sqlx::query_scalar("SELECT run FROM runs WHERE id = 'new'")
        .fetch_one(&mut shell)
        .await?;
    assert_eq!(number, 10);
    shell.execute("DELETE FROM runs WHERE id = 'one'").await?;
    shell.close().await?;
    for gone in ["one", "four"] {
        let error = client.status(gone).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::UnknownRun);
    }
    engine.shutdown().await
}
