//! SQLite files that are refused with what, which and what to do, and left exactly as they were.

use std::{
    fs,
    os::unix::{
        fs::{MetadataExt, PermissionsExt},
        process::CommandExt,
    },
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use durable::{
    Engine, Error, ErrorKind,
    prelude::*,
    store::{SqliteOptions, SqliteStore, Store, StoreErrorKind},
};
use durable_tests::TempDir;
use sqlx::{Connection, Executor, SqliteConnection};

#[durable::workflow]
async fn greeting(ctx: &Ctx, name: String) -> durable::Result<String> {
    let text = ctx
        .step("greet", |_| async {
            Ok::<_, String>(format!("hello {name}"))
        })
        .await?;
    Ok(text)
}

/// A database with one completed run.
async fn database(folder: &TempDir) -> PathBuf {
    let path = folder.path().join("runs.db");
    let engine = Engine::open(&path.to_string_lossy()).await.unwrap();
    let run = engine
        .client()
        .start::<greeting>("run", "Ada".into())
        .await
        .unwrap();
    assert_eq!(run.result().await.unwrap(), "hello Ada");
    engine.shutdown().await.unwrap();
    path
}

pub(super) async fn execute(path: &Path, sql: &str) {
    let address = format!("sqlite://{}", path.display());
    let mut connection = SqliteConnection::connect(&address).await.unwrap();
    connection
        .execute(sqlx::AssertSqlSafe(sql.to_owned()))
        .await
        .unwrap();
    connection.close().await.unwrap();
}

/// Opening the file fails in this way, says these words, and does not change the file.
async fn is_refused(path: &Path, kind: StoreErrorKind, words: &[&str]) -> Error {
    let before = fs::read(path).ok();
    let error = Engine::open(&path.to_string_lossy()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Store, "{error}");
    assert_eq!(error.store_kind(), Some(kind), "{error}");
    let text = error.to_string();
    for word in words.iter().chain(&[&*path.to_string_lossy()]) {
        assert!(text.contains(word), "`{word}` is not in: {text}");
    }
    assert!(fs::read(path).ok() == before, "the file has changed");
    error
}

#[tokio::test]
async fn a_file_that_is_no_database_is_refused() {
    let folder = TempDir::new("bad-database").unwrap();
    let path = folder.path().join("notes.txt");
    fs::write(
        &path,
        "These are my notes, and they are to stay. ".repeat(100),
    )
    .unwrap();
    is_refused(
        &path,
        StoreErrorKind::Corrupt,
        &["not a SQLite database", "check the path"],
    )
    .await;
}

#[tokio::test]
async fn a_database_of_another_application_is_refused() {
    let folder = TempDir::new("bad-database").unwrap();
    let path = folder.path().join("shop.db");
    fs::write(&path, "").unwrap();
    execute(&path, "CREATE TABLE runs (id INTEGER PRIMARY KEY)").await;
    is_refused(
        &path,
        StoreErrorKind::Open,
        &["another application", "choose another file"],
    )
    .await;
}

#[tokio::test]
async fn a_database_of_a_newer_version_is_refused_and_works_for_that_version() {
    let folder = TempDir::new("bad-database").unwrap();
    let path = database(&folder).await;
    let version = fs::read(&path).unwrap()[60..64].try_into().unwrap();
    let version = u32::from_be_bytes(version);
    execute(&path, "PRAGMA user_version = 99").await;
    is_refused(
        &path,
        StoreErrorKind::NewerSchema,
        &["version 99", "run that version"],
    )
    .await;
    execute(&path, &format!("PRAGMA user_version = {version}")).await;
    let engine = Engine::open(&path.to_string_lossy()).await.unwrap();
    let run = engine.client().attach::<greeting>("run").await.unwrap();
    assert_eq!(run.result().await.unwrap(), "hello Ada");
    engine.shutdown().await.unwrap();
}

#[tokio::test]
async fn a_damaged_database_is_refused() {
    let folder = TempDir::new("bad-database").unwrap();
    let path = database(&folder).await;
    let mut bytes = fs::read(&path).unwrap();
    // The page of the schema, behind the header of the file.
    bytes[100..4_096].fill(0xA5);
    fs::write(&path, &bytes).unwrap();
    is_refused(
        &path,
        StoreErrorKind::Corrupt,
        &["damaged", "restore a backup"],
    )
    .await;
}

#[tokio::test]
async fn places_where_no_file_can_be_are_refused() {
    let folder = TempDir::new("bad-database").unwrap();
    let missing = folder.path().join("missing").join("runs.db");
    is_refused(
        &missing,
        StoreErrorKind::Open,
        &["does not exist", "create it first"],
    )
    .await;
    assert!(!folder.path().join("missing").exists());
    let error = Engine::open(&folder.path().to_string_lossy())
        .await
        .unwrap_err();
    assert_eq!(error.store_kind(), Some(StoreErrorKind::Open));
    assert!(error.to_string().contains("is a directory"), "{error}");
    let error = Engine::open("mysql://localhost/runs").await.unwrap_err();
    assert_eq!(error.store_kind(), Some(StoreErrorKind::Open));
    assert!(error.to_string().contains("mysql"), "{error}");
}

#[tokio::test]
async fn a_database_that_somebody_holds_is_waited_for_and_then_refused() {
    let folder = TempDir::new("bad-database").unwrap();
    let path = database(&folder).await;
    let address = format!("sqlite://{}", path.display());
    let mut holder = SqliteConnection::connect(&address).await.unwrap();
    holder.execute("BEGIN IMMEDIATE").await.unwrap();
    let patience = SqliteOptions::default().busy_timeout(Duration::from_millis(100));
    let error = SqliteStore::open_with(&address, patience.clone())
        .await
        .unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Busy, "{error}");
    assert!(error.to_string().contains("runs.db"), "{error}");
    holder.execute("ROLLBACK").await.unwrap();
    let store = SqliteStore::open_with(&address, patience).await.unwrap();
    store.close().await.unwrap();
}

#[tokio::test]
async fn a_file_that_cannot_be_written_is_refused() {
    let folder = TempDir::new("bad-database").unwrap();
    let path = database(&folder).await;
    fs::rename(&path, folder.path().join("orders.db")).unwrap();
    let path = folder.path().join("orders.db");
    // Nothing is forbidden to root: the program is run as somebody else.
    let program = folder.path().join("worker");
    fs::copy(env!("CARGO_BIN_EXE_crash_worker"), &program).unwrap();
    fs::write(folder.path().join("orders.db-lock"), "").unwrap();
    for (name, mode) in [
        ("orders.db", 0o444),
        ("orders.db-lock", 0o666),
        ("worker", 0o755),
        ("", 0o555),
    ] {
        fs::set_permissions(folder.path().join(name), fs::Permissions::from_mode(mode)).unwrap();
    }
    let before = fs::read(&path).unwrap();
    let mut command = Command::new(&program);
    command
        .arg(folder.path())
        .args(["1 Lane", "0", "whole", "before", "0"]);
    if fs::metadata("/proc/self").unwrap().uid() == 0 {
        command.uid(65_534);
    }
    let output = command.output().unwrap();
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success());
    assert!(
        text.contains("orders.db") && text.contains("check the permissions"),
        "{text}"
    );
    assert!(fs::read(&path).unwrap() == before);
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
}
