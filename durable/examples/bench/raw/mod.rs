//! The raw limits: what the database does without an engine.

mod postgres;
mod sqlite;

use std::{
    future::Future,
    time::{Duration, Instant},
};

use tokio::sync::{mpsc, oneshot};

pub use postgres::PostgresJournal;
pub use sqlite::SqliteJournal;

/// One row to append.
pub struct Append {
    run: i64,
    position: i64,
    done: oneshot::Sender<()>,
}

/// A table of rows.
pub trait RawJournal: Send + 'static {
    /// Appends one row in a transaction of its own.
    fn append_one(&mut self, position: i64)
    -> impl Future<Output = Result<(), sqlx::Error>> + Send;

    /// Appends rows in one transaction.
    fn append(
        &mut self,
        appends: &[Append],
    ) -> impl Future<Output = Result<(), sqlx::Error>> + Send;
}

/// The median time of a transaction that inserts one row.
pub async fn one_row_commit(journal: &mut impl RawJournal) -> Result<Duration, sqlx::Error> {
    let mut times = Vec::new();
    for position in 0..1_000_i64 {
        let begun = Instant::now();
        journal.append_one(position).await?;
        times.push(begun.elapsed());
    }
    times.sort_unstable();
    Ok(times[times.len() / 2])
}

/// Rows a second when `in_flight` tasks each append one row after the other and one writer commits
/// whatever has gathered.
pub async fn group_commit(
    mut journal: impl RawJournal,
    in_flight: i64,
    rows: i64,
) -> Result<f64, sqlx::Error> {
    let (sender, mut receiver) = mpsc::channel::<Append>(65_536);
    let writer = tokio::spawn(async move {
        let mut appends = Vec::new();
        while receiver.recv_many(&mut appends, 2_000).await > 0 {
            journal.append(&appends).await?;
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
                let append = Append {
                    run,
                    position,
                    done,
                };
                if sender.send(append).await.is_err() {
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
