//! Values of some runs of which the server has lost what it keeps outside of their rows: those runs wait by
//! themselves, and the others go on.

use std::{fs, path::Path};

use durable::{Engine, Result, Status, prelude::Ctx};
use durable_tests::{needs, server::Server};
use sqlx::{Connection, PgConnection, Row};
use tokio::time::timeout;

use crate::support::{PATIENCE, count, execute};

/// So much that it is kept outside of its row.
const MUCH: usize = 20_000;

/// A word, after a step with an output of this size.
#[durable::workflow]
async fn carries(ctx: &Ctx, (input, output): (String, usize)) -> Result<usize> {
    ctx.step("large", async |_| Ok::<_, String>("A".repeat(output)))
        .await?;
    let word = ctx.signal::<String>("word").await?;
    Ok(input.len() + word.len())
}

/// The files in which the server keeps large values, and what is in them.
async fn files(url: &str) -> Result<Vec<(String, Vec<u8>)>> {
    let mut connection = PgConnection::connect(url).await?;
    let rows = sqlx::query(
        "SELECT current_setting('data_directory'), pg_relation_filepath(reltoastrelid) FROM pg_class \
         WHERE relnamespace = 'durable'::regnamespace AND relname IN ('runs', 'journal', 'mailbox')",
    )
    .fetch_all(&mut connection)
    .await?;
    connection.close().await?;
    let mut files = Vec::new();
    for row in rows {
        let path = Path::new(&row.try_get::<String, _>(0)?).join(row.try_get::<String, _>(1)?);
        let bytes = fs::read(&path)?;
        assert!(bytes.len() >= MUCH, "{path:?} has {} bytes", bytes.len());
        files.push((path.to_string_lossy().into_owned(), bytes));
    }
    assert_eq!(files.len(), 3);
    Ok(files)
}

#[tokio::test]
async fn runs_whose_values_are_lost_wait_alone() -> Result<()> {
    needs!(Server);
    let server = Server::start()?;
    let url = server.url();
    let culprits = [("input", MUCH, 0), ("journal", 0, MUCH), ("mailbox", 0, 0)];
    let sound: Vec<_> = (0..20).map(|n| format!("sound-{n}")).collect();
    let first = Engine::open(&url).await?;
    execute(
        &url,
        "SET search_path TO durable; ALTER TABLE runs ALTER COLUMN input SET STORAGE EXTERNAL; \
         ALTER TABLE journal ALTER COLUMN data SET STORAGE EXTERNAL; \
         ALTER TABLE mailbox ALTER COLUMN data SET STORAGE EXTERNAL",
    )
    .await?;
    let client = first.client();
    let all = sound.iter().map(|id| (id.as_str(), 0, 0));
    for (id, input, output) in culprits.into_iter().chain(all) {
        let input = "A".repeat(input);
        let run = client.start::<carries>(id, (input, output)).await?;
        run.reaches(Status::Suspended).await?;
    }
    first.shutdown().await?;
    // All are due at once, and the culprits first.
    execute(
        &url,
        &format!(
            "SET search_path TO durable; INSERT INTO mailbox (run, mail, at, kind, name, data) \
             SELECT run, nextval('mail_numbers'), 0, 1, 'word', convert_to('\"' || \
             CASE WHEN id = 'mailbox' THEN repeat('A', {MUCH}) ELSE 'word' END || '\"', 'UTF8') FROM runs; \
             UPDATE runs SET due = run"
        ),
    )
    .await?;
    execute(&url, "CHECKPOINT").await?;
    let files = files(&url).await?;
    server.stop_immediate()?;
    for (path, bytes) in &files {
        fs::write(path, vec![0; bytes.len()])?;
    }
    server.start_again()?;

    let second = Engine::open(&url).await?;
    for id in &sound {
        let run = second.client().attach::<carries>(id.as_str()).await?;
        assert_eq!(timeout(PATIENCE, run.result()).await??, 4, "{id}");
    }
    let ended =
        "SELECT count(*) FROM durable.runs WHERE id NOT LIKE 'sound%' AND status IN (4, 5, 6)";
    assert_eq!(count(&url, ended).await?, 0);
    server.stop_immediate()?;
    for (path, bytes) in &files {
        fs::write(path, bytes)?;
    }
    server.start_again()?;
    for (id, input, _) in culprits {
        let run = second.client().attach::<carries>(id).await?;
        let word = if id == "mailbox" { MUCH } else { 4 };
        assert_eq!(
            timeout(PATIENCE, run.result()).await??,
            input + word,
            "{id}"
        );
    }
    second.shutdown().await
}
