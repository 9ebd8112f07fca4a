//! Connecting takes a database as it is, and says what to do about one that cannot be used.

use std::{fs, path::Path};

use durable::{
    Client, Error, ErrorKind, Result, Status,
    store::{PostgresOptions, PostgresStore, SqliteStore, Store, StoreError, StoreErrorKind},
};
use durable_tests::{TempDir, needs, server::Database};
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection, SqliteConnection};

use super::world::World;

/// What must not be shown.
const SECRET: &str = "canary-77";

/// Connecting must fail, with an error that does not show the secret.
async fn refusal(address: &str) -> Result<Error> {
    match Client::connect(address).await {
        Ok(client) => Err(format!("{client:?} was connected").into()),
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::Store, "{error}");
            let shown = format!("{error} {error:?}");
            assert!(!shown.contains(SECRET), "{shown}");
            Ok(error)
        }
    }
}

/// What there is of a folder: names, and how long the files are.
fn content(folder: &Path) -> Result<Vec<(String, u64)>> {
    let mut content = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        content.push((name, entry.metadata()?.len()));
    }
    content.sort();
    Ok(content)
}

async fn in_shell(path: &Path, sql: &str) -> Result<()> {
    let mut shell =
        SqliteConnection::connect(&format!("sqlite://{}?mode=rwc", path.display())).await?;
    shell.execute(sqlx::raw_sql(AssertSqlSafe(sql))).await?;
    Ok(shell.close().await?)
}

#[tokio::test]
async fn what_is_no_file_of_ours_is_refused_and_left_as_it_is() -> Result<()> {
    let folder = TempDir::new("connect")?;
    let at = |name: &str| folder.path().join(name);
    fs::File::create(at("empty.db"))?;
    fs::write(
        at("text.db"),
        "no database at all, but long enough to be taken for one",
    )?;
    in_shell(&at("theirs.db"), "CREATE TABLE theirs (n)").await?;
    fs::create_dir(at("folder"))?;
    let before = content(folder.path())?;
    for (name, kind, advice) in [
        ("missing.db", StoreErrorKind::Missing, "Engine::open"),
        ("no/such/folder.db", StoreErrorKind::Missing, "Engine::open"),
        ("text.db/within.db", StoreErrorKind::Missing, "Engine::open"),
        ("empty.db", StoreErrorKind::Missing, "Engine::open"),
        ("theirs.db", StoreErrorKind::Open, "another application"),
        ("text.db", StoreErrorKind::Corrupt, "text.db"),
        ("folder", StoreErrorKind::Open, "is a directory"),
    ] {
        let error = refusal(&at(name).to_string_lossy()).await?;
        assert_eq!(error.store_kind(), Some(kind), "{name}: {error}");
        assert!(error.to_string().contains(advice), "{name}: {error}");
    }
    assert_eq!(content(folder.path())?, before);
    for address in [
        "memory:",
        "mysql://u:canary-77@h/db",
        "host=h password=canary-77",
    ] {
        let error = refusal(address).await?;
        let kind = error.store_kind();
        assert!(
            matches!(kind, Some(StoreErrorKind::Missing | StoreErrorKind::Open)),
            "{error}"
        );
    }
    Ok(())
}

#[tokio::test]
async fn a_file_of_another_version_is_refused_and_left_as_it_is() -> Result<()> {
    let world = World::sqlite().await?;
    let path = world.address();
    let now = world
        .count("SELECT user_version FROM pragma_user_version")
        .await?;
    let now = now.unwrap_or(0);
    for (version, kind, advice) in [
        (now - 1, StoreErrorKind::OlderSchema, "Engine::open"),
        (now + 1, StoreErrorKind::NewerSchema, "newer version"),
    ] {
        in_shell(
            Path::new(&path),
            &format!("PRAGMA user_version = {version}"),
        )
        .await?;
        let error = refusal(&path).await?;
        assert_eq!(error.store_kind(), Some(kind), "{error}");
        assert!(error.to_string().contains(advice), "{error}");
        let still = world
            .count("SELECT user_version FROM pragma_user_version")
            .await?;
        assert_eq!(still, Some(version));
    }
    Ok(())
}

#[tokio::test]
async fn no_file_is_made_for_a_client_and_none_is_more_open_than_the_database() -> Result<()> {
    let folder = TempDir::new("connect")?;
    let path = folder.path().join("runs.db");
    SqliteStore::open(&path.to_string_lossy())
        .await?
        .close()
        .await?;
    fs::remove_file(folder.path().join("runs.db-lock"))?;
    // By a link, as by its own name.
    #[cfg(unix)]
    std::os::unix::fs::symlink(&path, folder.path().join("link.db"))?;
    #[cfg(not(unix))]
    fs::copy(&path, folder.path().join("link.db"))?;
    let address = folder.path().join("link.db");
    let client = Client::connect(&address.to_string_lossy()).await?;
    client.start_by_name("any", "p", "1").await?;
    let names: Vec<_> = content(folder.path())?
        .into_iter()
        .map(|(name, _)| name)
        .collect();
    assert_eq!(names, ["link.db", "runs.db", "runs.db-shm", "runs.db-wal"]);
    #[cfg(unix)]
    for name in names {
        use std::os::unix::fs::PermissionsExt;
        let mode = fs::metadata(folder.path().join(&name))?
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
    drop(client);
    // The last one that closes it folds the log into it.
    let names: Vec<_> = content(folder.path())?
        .into_iter()
        .map(|(name, _)| name)
        .collect();
    assert_eq!(names, ["link.db", "runs.db"]);
    Ok(())
}

#[cfg(unix)]
#[tokio::test]
async fn a_file_that_was_replaced_takes_and_gives_nothing() -> Result<()> {
    let world = World::sqlite().await?;
    let client = world.client().await?;
    client.start_by_name("any", "p", "1").await?;
    let path = world.address();
    let other = World::sqlite().await?;
    fs::rename(other.address(), &path)?;
    let error = client.status("p").await.unwrap_err();
    assert_eq!(
        error.store_kind(),
        Some(StoreErrorKind::Replaced),
        "{error}"
    );
    let error = client.start_by_name("any", "q", "1").await.unwrap_err();
    assert_eq!(
        error.store_kind(),
        Some(StoreErrorKind::Replaced),
        "{error}"
    );
    Ok(())
}

/// A client that is there hinders no engine that starts: what the dead have left is free at once.
#[tokio::test]
async fn a_client_does_not_count_as_alive() -> Result<()> {
    let world = World::sqlite().await?;
    let long = std::time::Duration::from_secs(3_600);
    let client = world.client().await?;
    let engine = world
        .engine_of(durable::Engine::builder().lease(long))
        .await?;
    let run = client.start_by_name("post", "p", "7").await?;
    durable_tests::soon(run.reaches(Status::Suspended)).await??;
    drop(engine);
    let engine = world
        .engine_of(durable::Engine::builder().lease(long))
        .await?;
    client.signal_by_name("p", "stamps", "1").await?;
    assert_eq!(durable_tests::soon(run.result_json()).await??, "7");
    engine.shutdown().await
}

async fn on_server(url: &str, sql: &str) -> Result<()> {
    let mut shell = PgConnection::connect(url).await?;
    shell.execute(sqlx::raw_sql(AssertSqlSafe(sql))).await?;
    Ok(shell.close().await?)
}

#[tokio::test]
async fn a_server_without_our_tables_is_refused_and_left_as_it_is() -> Result<()> {
    needs!(Database);
    let database = Database::shared().await?;
    let url = database.url();
    let count = async |sql: &str| -> Result<i64> {
        let mut shell = PgConnection::connect(url).await?;
        let sql = sqlx::query_scalar(AssertSqlSafe(sql));
        Ok(sql.fetch_one(&mut shell).await?)
    };
    let schemas = "SELECT count(*) FROM pg_namespace WHERE nspname = 'durable'";
    let objects = "SELECT count(*) FROM pg_class AS c JOIN pg_namespace AS n \
                   ON n.oid = c.relnamespace WHERE nspname = 'durable'";
    let error = refusal(url).await?;
    assert_eq!(error.store_kind(), Some(StoreErrorKind::Missing), "{error}");
    assert!(error.to_string().contains("Engine::open"), "{error}");
    assert_eq!(count(schemas).await?, 0);
    on_server(url, "CREATE SCHEMA durable").await?;
    let error = refusal(url).await?;
    assert_eq!(error.store_kind(), Some(StoreErrorKind::Missing), "{error}");
    assert_eq!(count(objects).await?, 0);
    on_server(url, "CREATE TABLE durable.theirs (n INTEGER)").await?;
    let error = refusal(url).await?;
    assert_eq!(error.store_kind(), Some(StoreErrorKind::Open), "{error}");
    on_server(url, "DROP SCHEMA durable CASCADE").await?;

    PostgresStore::open(url).await?.close().await?;
    for (change, kind) in [
        (
            "DELETE FROM durable.durable_versions WHERE version = (SELECT max(version) FROM durable.durable_versions)",
            StoreErrorKind::OlderSchema,
        ),
        (
            "INSERT INTO durable.durable_versions (version) VALUES (99)",
            StoreErrorKind::NewerSchema,
        ),
    ] {
        on_server(url, change).await?;
        let before = count("SELECT sum(version) FROM durable.durable_versions").await?;
        let error = refusal(url).await?;
        assert_eq!(error.store_kind(), Some(kind), "{error}");
        let after = count("SELECT sum(version) FROM durable.durable_versions").await?;
        assert_eq!(after, before);
    }
    let schema = PostgresOptions::default().schema("elsewhere");
    let error: StoreError = match PostgresStore::connect_with(url, schema).await {
        Ok(store) => return Err(format!("{store:?} was opened").into()),
        Err(error) => error,
    };
    assert_eq!(error.kind(), StoreErrorKind::Missing, "{error}");
    Ok(())
}

#[tokio::test]
async fn no_error_and_no_client_shows_a_password() -> Result<()> {
    needs!(Database);
    let error = refusal("postgres://u:canary-77@127.0.0.1:1/db").await?;
    assert_eq!(
        error.store_kind(),
        Some(StoreErrorKind::Unavailable),
        "{error}"
    );
    let world = World::postgres().await?;
    let client = world.client().await?;
    let run = client.start_by_name("any", "p", "1").await?;
    let shown = format!(
        "{client:?} {run:?} {:?} {:?}",
        client.cancel("p"),
        client.list()
    );
    assert!(!shown.contains("postgres://"), "{shown}");
    Ok(())
}
