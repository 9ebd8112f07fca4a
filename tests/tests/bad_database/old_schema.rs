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

/// A database of version 1 in which a person has run this. Gives its address.
async fn of_version_1(folder: &TempDir, additions: &'static str) -> Result<String> {
    let path = folder.path().join("runs.db");
    let address = format!("sqlite://{}", path.display());
    std::fs::File::create(&path)?;
    let mut shell = SqliteConnection::connect(&address).await?;
    for sql in [VERSION_1, CONTENT, additions] {
        shell.execute(AssertSqlSafe(sql)).await?;
    }
    shell.close().await?;
    Ok(address)
}

/// All that a database has beside its rows.
async fn schema(address: &str) -> Result<Vec<(String, String)>> {
    let mut shell = SqliteConnection::connect(address).await?;
    let schema = "SELECT name, coalesce(sql, '') FROM sqlite_schema ORDER BY type, name";
    let schema = sqlx::query_as(schema).fetch_all(&mut shell).await?;
    shell.close().await?;
    Ok(schema)
}

#[tokio::test]
async fn a_database_of_version_1_keeps_all_it_has_and_goes_on() -> Result<()> {
    let folder = TempDir::new("old-schema")?;
    let address = of_version_1(&folder, "").await?;
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

#[tokio::test]
async fn what_people_have_added_to_a_database_of_version_1_stays() -> Result<()> {
    let folder = TempDir::new("additions")?;
    let address = of_version_1(
        &folder,
        "CREATE TABLE ended (id TEXT); \
         CREATE INDEX by_start ON runs (created_at) WHERE status = 4; \
         CREATE UNIQUE INDEX \"in 'quotes'\" ON runs (id, workflow); \
         CREATE INDEX by_time ON journal (at); \
         CREATE TRIGGER note_end AFTER UPDATE OF status ON runs WHEN new.status = 4 \
         BEGIN INSERT INTO ended VALUES (new.id); END; \
         CREATE TRIGGER note_name INSTEAD OF INSERT ON run_list \
         BEGIN INSERT INTO ended VALUES (new.id); END; \
         CREATE VIEW ends AS SELECT e.id, r.workflow FROM ended AS e JOIN runs AS r ON r.id = e.id",
    )
    .await?;
    let names = [
        "by_start",
        "in 'quotes'",
        "by_time",
        "note_end",
        "note_name",
        "ends",
    ];
    let before = schema(&address).await?;
    let engine = Engine::open(&address).await?;
    let run = engine.client().attach::<asks>("one").await?;
    assert_eq!(run.result().await?, "yes");
    engine.shutdown().await?;
    let after = schema(&address).await?;
    for name in names {
        let of = |schema: &[(String, String)]| schema.iter().find(|(n, _)| n == name).cloned();
        assert!(
            of(&before).is_some() && of(&before) == of(&after),
            "{name}: {after:?}"
        );
    }
    let mut shell = SqliteConnection::connect(&address).await?;
    let ended: Vec<(String, String)> = sqlx::query_as("SELECT * FROM ends")
        .fetch_all(&mut shell)
        .await?;
    assert_eq!(ended, [("one".to_owned(), "asks".to_owned())]);
    shell.close().await?;
    Ok(())
}

#[tokio::test]
async fn what_people_have_added_and_cannot_stay_is_named_and_nothing_is_changed() -> Result<()> {
    for (name, addition) in [
        ("runs_parked", "CREATE INDEX runs_parked ON runs (reason)"),
        (
            "runs_deleted",
            "CREATE TRIGGER runs_deleted AFTER DELETE ON runs BEGIN SELECT 1; END",
        ),
        ("color", "ALTER TABLE runs ADD COLUMN color TEXT"),
    ] {
        let folder = TempDir::new("in-the-way")?;
        let address = of_version_1(&folder, addition).await?;
        let before = schema(&address).await?;
        let error = Engine::open(&address).await.unwrap_err().to_string();
        assert!(error.contains(&format!("`{name}`")), "{error}");
        assert!(error.contains("nothing was changed"), "{error}");
        assert_eq!(schema(&address).await?, before);
    }
    Ok(())
}
