//! Who counts as dead, and when.

use durable::{
    Result,
    store::{NewWorker, PostgresStore, Store},
};
use durable_tests::{needs, server::Database};
use sqlx::{Connection, PgConnection, Row};

use crate::support::{execute, later, until};

/// Two workers whose connections have ended, and a record of who is buried in which transaction. One has
/// lived on this machine, in a process that is gone; the other one anywhere.
async fn leave_two_dead(url: &str) -> Result<()> {
    let store = PostgresStore::open(url).await?;
    store.register_worker(NewWorker::until(later(60))).await?;
    store.close().await?;
    execute(
        url,
        "CREATE TABLE durable.buried (tx BIGINT, process TEXT); \
         CREATE FUNCTION durable.note() RETURNS TRIGGER LANGUAGE plpgsql AS \
         'BEGIN INSERT INTO durable.buried VALUES (txid_current(), OLD.process); RETURN OLD; END'; \
         CREATE TRIGGER note AFTER DELETE ON durable.workers FOR EACH ROW EXECUTE FUNCTION durable.note(); \
         UPDATE durable.workers SET process = regexp_replace(process, ' \\d+$', ' 1'), \
         lease_until = 9000000000000000; \
         INSERT INTO durable.workers (lease_until, session, server, process) \
         SELECT lease_until, session + 1, server, 'elsewhere ' || process FROM durable.workers",
    )
    .await
}

#[tokio::test]
async fn a_process_that_ended_on_this_machine_is_given_no_grace() -> Result<()> {
    needs!(Database);
    let database = Database::shared().await?;
    let url = database.url();
    leave_two_dead(url).await?;
    let next = PostgresStore::open(url).await?;
    next.register_worker(NewWorker::until(later(60))).await?;
    until(url, "(SELECT count(*) FROM durable.buried) = 2").await?;
    let mut connection = PgConnection::connect(url).await?;
    let buried = sqlx::query("SELECT tx, process FROM durable.buried ORDER BY tx")
        .fetch_all(&mut connection)
        .await?;
    let [first, second] = &buried[..] else {
        return Err("two were buried".into());
    };
    assert!(!first.try_get::<String, _>(1)?.starts_with("elsewhere"));
    assert!(second.try_get::<String, _>(1)?.starts_with("elsewhere"));
    assert_ne!(first.try_get::<i64, _>(0)?, second.try_get::<i64, _>(0)?);
    connection.close().await?;
    Ok(next.close().await?)
}
