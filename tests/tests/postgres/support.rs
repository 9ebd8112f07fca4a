//! What these tests share.

use std::time::Duration;

use durable::{
    Result,
    journal::{Epoch, Event, EventKind, Payload, RunId, RunKey, StepId, Timestamp, WorkerId},
    store::{
        Batch, Commit, MailKind, MailTarget, NewMail, NewRun, PostgresOptions, PostgresStore,
        StartOutcome, Store, StoreError,
    },
};
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};

/// Long enough for whatever ends by itself.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// Executes statements in a session of their own.
pub(crate) async fn execute(url: &str, sql: &str) -> Result<()> {
    let mut connection = PgConnection::connect(url).await?;
    connection
        .execute(sqlx::raw_sql(AssertSqlSafe(sql)))
        .await?;
    Ok(connection.close().await?)
}

/// What a query says, as one number.
pub(crate) async fn count(url: &str, sql: &str) -> Result<i64> {
    let mut connection = PgConnection::connect(url).await?;
    let count = sqlx::query_scalar(AssertSqlSafe(sql))
        .fetch_one(&mut connection)
        .await?;
    connection.close().await?;
    Ok(count)
}

/// What a query says, as one text.
pub(crate) async fn text(url: &str, sql: &str) -> Result<String> {
    let mut connection = PgConnection::connect(url).await?;
    let text = sqlx::query_scalar(AssertSqlSafe(sql))
        .fetch_one(&mut connection)
        .await?;
    connection.close().await?;
    Ok(text)
}

/// Waits until a query says that it is so.
pub(crate) async fn until(url: &str, sql: &str) -> Result<()> {
    let deadline = tokio::time::Instant::now() + PATIENCE;
    while count(url, &format!("SELECT count(*) WHERE {sql}")).await? == 0 {
        if tokio::time::Instant::now() > deadline {
            return Err(format!("it never came true that {sql}").into());
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    Ok(())
}

/// Opening must fail, with an error that does not show the secret.
pub(crate) async fn refusal(url: &str, options: PostgresOptions) -> Result<StoreError> {
    match PostgresStore::open_with(url, options).await {
        Ok(store) => Err(format!("{store:?} was opened").into()),
        Err(error) => {
            let shown = format!("{error} {error:?}");
            assert!(!shown.contains(SECRET), "{shown}");
            Ok(error)
        }
    }
}

/// The address as another user, with a password.
pub(crate) fn as_user(url: &str, user: &str) -> String {
    let (_, rest) = url.split_once("://").unwrap_or_default();
    let server = rest.rsplit_once('@').map_or(rest, |(_, server)| server);
    format!("postgres://{user}:{SECRET}@{server}")
}

/// A password that must not be shown.
pub(crate) const SECRET: &str = "canary-5d1f";

/// Executes statements in a transaction that stays open.
pub(crate) async fn hold(url: &str, sql: &str) -> Result<PgConnection> {
    let mut connection = PgConnection::connect(url).await?;
    connection.execute("BEGIN").await?;
    connection
        .execute(sqlx::raw_sql(AssertSqlSafe(sql)))
        .await?;
    Ok(connection)
}

pub(crate) const NOW: Timestamp = Timestamp::from_micros(1_700_000_000_000_000);

pub(crate) fn later(seconds: u64) -> Timestamp {
    NOW.after(Duration::from_secs(seconds))
}

/// Starts a run that the worker owns.
pub(crate) async fn start(store: &PostgresStore, id: &str, worker: WorkerId) -> Result<RunKey> {
    let outcome = store.commit(&starts(id, worker)).await?;
    match outcome.starts[..] {
        [StartOutcome::Created { run }] => Ok(run),
        _ => Err(format!("not started: {outcome:?}").into()),
    }
}

pub(crate) fn starts(id: &str, worker: WorkerId) -> Batch {
    let run = NewRun {
        id: RunId::from_recorded(id),
        workflow: "flow".to_owned(),
        input: Payload::from_bytes(*b"1"),
        seed: 7,
        at: NOW,
        parent: None,
        owner: Some(worker),
    };
    Batch {
        starts: vec![run],
        ..Batch::default()
    }
}

pub(crate) fn signal(run: RunKey) -> Batch {
    let mail = NewMail {
        to: MailTarget::Key(run),
        kind: MailKind::Signal {
            name: "s".to_owned(),
            payload: Payload::from_bytes(*b"1"),
        },
        at: NOW,
    };
    Batch {
        mail: vec![mail],
        ..Batch::default()
    }
}

/// A commit of one event at epoch 1.
pub(crate) fn step(run: RunKey, position: u32) -> Commit {
    let event = Event {
        at: NOW,
        step: Some(StepId::from_recorded("work")),
        kind: EventKind::StepCompleted {
            output: Payload::from_bytes(*b"1"),
        },
    };
    Commit {
        run,
        created_at: NOW,
        epoch: Epoch::new(1),
        position,
        events: vec![event],
        update: None,
        children: Vec::new(),
        consumed: Vec::new(),
        outgoing: Vec::new(),
        at: NOW,
    }
}

pub(crate) fn commits(commit: Commit) -> Batch {
    Batch {
        commits: vec![commit],
        ..Batch::default()
    }
}
