//! The raw limits: what the database does without an engine.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use sqlx::{
    Connection, SqliteConnection,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous},
};
use tokio::sync::{mpsc, oneshot};

const TABLE: &str = "CREATE TABLE journal (run INTEGER, position INTEGER, step TEXT, data BLOB, \
                     PRIMARY KEY (run, position)) WITHOUT ROWID";

async fn connect(path: &Path) -> Result<SqliteConnection, sqlx::Error> {
    let options = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full);
    let mut connection = SqliteConnection::connect_with(&options).await?;
    sqlx::query(TABLE).execute(&mut connection).await?;
    Ok(connection)
}

/// The median time of a transaction that inserts one row.
pub async fn one_row_commit(folder: &Path) -> Result<Duration, sqlx::Error> {
    let mut connection = connect(&folder.join("raw-one.db")).await?;
    let mut times = Vec::new();
    for position in 0..1_000_i64 {
        let begun = Instant::now();
        sqlx::query("INSERT INTO journal VALUES (?, ?, ?, ?)")
            .bind(1_i64)
            .bind(position)
            .bind("work")
            .bind(b"1".as_slice())
            .execute(&mut connection)
            .await?;
        times.push(begun.elapsed());
    }
    times.sort_unstable();
    Ok(times[times.len() / 2])
}

struct Append {
    run: i64,
    position: i64,
    done: oneshot::Sender<()>,
}

/// Rows a second when `in_flight` tasks each append one row after the other and one writer commits
/// whatever has gathered: group commit with no engine, no fence and no run rows.
pub async fn group_commit(folder: &Path, in_flight: i64, rows: i64) -> Result<f64, sqlx::Error> {
    let mut connection = connect(&folder.join(format!("raw-group-{in_flight}.db"))).await?;
    let (sender, mut receiver) = mpsc::channel::<Append>(65_536);
    let writer = tokio::spawn(async move {
        let mut appends = Vec::new();
        while receiver.recv_many(&mut appends, 2_000).await > 0 {
            write(&mut connection, &appends).await?;
            appends.drain(..).for_each(|append| {
                let _ = append.done.send(());
            });
        }
        Ok::<_, sqlx::Error>(())
    });
    let begun = Instant::now();
    let each = rows / in_flight;
    let mut tasks = Vec::new();
    for run in 0..in_flight {
        let sender = sender.clone();
        tasks.push(tokio::spawn(async move {
            for position in 0..each {
                let (done, acknowledged) = oneshot::channel();
                if sender
                    .send(Append {
                        run,
                        position,
                        done,
                    })
                    .await
                    .is_err()
                {
                    return;
                }
                let _ = acknowledged.await;
            }
        }));
    }
    for task in tasks {
        let _ = task.await;
    }
    let elapsed = begun.elapsed();
    drop(sender);
    if let Ok(result) = writer.await {
        result?;
    }
    Ok((each * in_flight) as f64 / elapsed.as_secs_f64())
}

/// One transaction, in statements of a power of two of rows, so that they stay prepared.
async fn write(connection: &mut SqliteConnection, appends: &[Append]) -> Result<(), sqlx::Error> {
    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
    let mut rest = appends;
    while !rest.is_empty() {
        let rows = 1 << rest.len().min(256).ilog2();
        let (chunk, left) = rest.split_at(rows);
        rest = left;
        let values = vec!["(?, ?, ?, ?)"; rows].join(", ");
        let sql = format!("INSERT INTO journal VALUES {values}");
        let mut query = sqlx::query(sqlx::AssertSqlSafe(sql));
        for append in chunk {
            query = query
                .bind(append.run)
                .bind(append.position)
                .bind("work")
                .bind(b"1".as_slice());
        }
        query.execute(&mut *transaction).await?;
    }
    transaction.commit().await
}
