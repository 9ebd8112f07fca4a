//! Mail of a kind that this build does not know comes to runs that are in memory.

use std::time::Duration;

use durable::{Engine, ErrorKind, Result, Status, prelude::Ctx};
use durable_tests::{TempDir, needs, server::Database};
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection, SqliteConnection};

/// Two words.
#[durable::workflow]
async fn two(ctx: &Ctx) -> Result<[String; 2]> {
    let first = ctx.signal::<String>("first").await?;
    Ok([first, ctx.signal::<String>("second").await?])
}

/// Has a workflow in memory wait for mail, and puts some of an unknown kind beside it with the statement.
async fn stops_its_run_alone(url: &str, put: impl AsyncFn(&str) -> Result<()>) -> Result<()> {
    let builder = Engine::builder().linger(Duration::from_secs(3_600));
    let engine = builder.lease(Duration::from_secs(2)).open(url).await?;
    let client = engine.client();
    let mut others = Vec::new();
    for n in 0..20 {
        others.push(client.start::<two>(format!("other-{n}"), ()).await?);
    }
    let mut culprits = Vec::new();
    for id in ["told", "found"] {
        culprits.push(client.start::<two>(id, ()).await?);
    }
    for run in others.iter().chain(&culprits) {
        run.reaches(Status::Suspended).await?;
        run.signal(two::first, "a".to_owned()).await?;
    }
    for id in ["told", "found"] {
        put(id).await?;
    }
    // What comes behind it has the mailbox read; the other one's is found by looking.
    culprits[0].signal(two::second, "b".to_owned()).await?;
    for culprit in &culprits {
        let Err(error) = culprit.result().await else {
            return Err("the run ended".into());
        };
        assert_eq!(error.kind(), ErrorKind::Parked, "{error}");
        // Not what its row says: the run is tried once more, and has no reason meanwhile.
        let reason = error.to_string();
        assert!(
            reason.contains("mail cannot be read") && reason.contains("99"),
            "{reason}"
        );
    }
    let late = client.start::<two>("late", ()).await?;
    late.signal(two::first, "a".to_owned()).await?;
    for run in others.iter().chain([&late]) {
        run.signal(two::second, "b".to_owned()).await?;
        assert_eq!(run.result().await?, ["a", "b"]);
    }
    engine.shutdown().await
}

#[tokio::test]
async fn unknown_mail_stops_its_run_alone_on_sqlite() -> Result<()> {
    let folder = TempDir::new("unknown-mail")?;
    let url = format!("sqlite://{}", folder.path().join("runs.db").display());
    stops_its_run_alone(&url, async |id| {
        let sql = format!(
            "INSERT INTO mailbox (run, kind, name, data, at) \
             SELECT run, 99, 'second', CAST('\"x\"' AS BLOB), 0 FROM runs WHERE id = '{id}'"
        );
        let mut connection = SqliteConnection::connect(&url).await?;
        connection.execute(AssertSqlSafe(sql)).await?;
        Ok(connection.close().await?)
    })
    .await
}

#[tokio::test]
async fn unknown_mail_stops_its_run_alone_on_postgres() -> Result<()> {
    needs!(Database);
    let database = Database::shared().await?;
    stops_its_run_alone(database.url(), async |id| {
        let sql = format!(
            "INSERT INTO durable.mailbox (run, mail, at, kind, name, data) \
             SELECT run, nextval('durable.mail_numbers'), 0, 99, 'second', '\"x\"' \
             FROM durable.runs WHERE id = '{id}'"
        );
        let mut connection = PgConnection::connect(database.url()).await?;
        connection.execute(AssertSqlSafe(sql)).await?;
        Ok(connection.close().await?)
    })
    .await
}
