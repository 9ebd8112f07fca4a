//! The private PostgreSQL server: what it keeps through crashes, and that it goes away.

#![cfg(unix)]

use std::{
    io::{BufRead, BufReader},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use durable_tests::{
    needs,
    server::{Database, Server},
};
use sqlx::{Connection, Executor, PgConnection};

async fn execute(url: &str, sql: &'static str) -> sqlx::Result<()> {
    let mut connection = PgConnection::connect(url).await?;
    connection.execute(sql).await?;
    connection.close().await
}

async fn count(url: &str) -> sqlx::Result<i64> {
    let mut connection = PgConnection::connect(url).await?;
    sqlx::query_scalar("SELECT count(*) FROM kept")
        .fetch_one(&mut connection)
        .await
}

#[tokio::test]
async fn what_is_committed_survives_a_crash_and_a_kill() {
    needs!(Server);
    let server = Server::start().unwrap();
    let database = server.database().await.unwrap();
    let mut connection = PgConnection::connect(database.url()).await.unwrap();
    let durable: String = sqlx::query_scalar(
        "SELECT concat_ws(' ', current_setting('fsync'), current_setting('synchronous_commit'), \
         current_setting('full_page_writes'))",
    )
    .fetch_one(&mut connection)
    .await
    .unwrap();
    assert_eq!(durable, "on on on");
    connection
        .execute("CREATE TABLE kept AS SELECT 1 AS one")
        .await
        .unwrap();
    server.restart_immediate().unwrap();
    assert!(connection.execute("SELECT 1").await.is_err());
    assert_eq!(count(database.url()).await.unwrap(), 1);
    execute(database.url(), "INSERT INTO kept VALUES (2)")
        .await
        .unwrap();
    server.kill_9().unwrap();
    server.start_again().unwrap();
    assert_eq!(count(database.url()).await.unwrap(), 2);
}

#[tokio::test]
async fn a_synchronous_standby_has_what_was_committed_when_it_is_promoted() {
    needs!(Server);
    let primary = Server::start().unwrap();
    let standby = primary.synchronous_standby().await.unwrap();
    execute(&primary.url(), "CREATE TABLE kept AS SELECT 1 AS one")
        .await
        .unwrap();
    primary.kill_9().unwrap();
    standby.promote().unwrap();
    execute(&standby.url(), "INSERT INTO kept VALUES (2)")
        .await
        .unwrap();
    assert_eq!(count(&standby.url()).await.unwrap(), 2);
}

#[tokio::test]
async fn each_test_has_a_database_of_its_own() {
    needs!(Database);
    let (one, two) = tokio::join!(Database::shared(), Database::shared());
    let (one, two) = (one.unwrap(), two.unwrap());
    assert_ne!(one.url(), two.url());
    for database in [&one, &two] {
        execute(database.url(), "CREATE TABLE kept AS SELECT 1 AS one")
            .await
            .unwrap();
    }
}

#[tokio::test]
async fn a_server_goes_away_with_a_process_that_is_killed() {
    needs!(Server);
    let mut host = Command::new(env!("CARGO_BIN_EXE_postgres_server"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut url = String::new();
    let mut told = BufReader::new(host.stdout.take().unwrap());
    told.read_line(&mut url).unwrap();
    execute(url.trim(), "SELECT 1").await.unwrap();
    host.kill().unwrap();
    host.wait().unwrap();
    let deadline = Instant::now() + Duration::from_secs(60);
    while PgConnection::connect(url.trim()).await.is_ok() {
        assert!(Instant::now() < deadline, "{url} is still there");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// On a server that outlives the tests nothing is left behind.
#[tokio::test]
async fn a_database_beside_another_goes_away_with_its_test() -> durable::Result<()> {
    needs!(Server);
    let server = Server::start()?;
    let database = Database::beside(&server.url()).await?;
    let url = database.url().to_owned();
    // Somebody who is still connected does not keep it.
    let _connection = PgConnection::connect(&url).await?;
    drop(database);
    assert!(PgConnection::connect(&url).await.is_err());
    Ok(())
}
