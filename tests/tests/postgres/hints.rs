//! What processes tell each other, and that nothing rests on it.

use std::{future::Future, time::Duration};

use durable::{
    Engine, Result,
    journal::{RunKey, WorkerId},
    prelude::*,
    store::{
        Batch, BatchId, Hint, NewWorker, Ownership, PostgresOptions, PostgresStore, RunUpdate,
        Store,
    },
};
use durable_tests::{needs, server::Database};
use sqlx::postgres::PgListener;

use crate::support::{PATIENCE, commits, execute, later, signal, start, starts, step, until};

/// Waits for what must come.
async fn soon<T>(what: &str, future: impl Future<Output = T>) -> Result<T> {
    let done = tokio::time::timeout(PATIENCE, future).await;
    done.map_err(|_| format!("{what} did not come").into())
}

/// Two processes that know of each other.
struct Two {
    mine: PostgresStore,
    worker: WorkerId,
    other: PostgresStore,
}

impl Two {
    async fn open(url: &str) -> Result<Self> {
        let mine = PostgresStore::open(url).await?;
        let worker = mine.register_worker(NewWorker::until(later(60))).await?;
        // Having begun to listen, it says that it may have missed something.
        let begun = soon("the first hint", mine.hint()).await?;
        assert!(begun.missed && mine.is_hinted());
        let other = PostgresStore::open(url).await?;
        other.register_worker(NewWorker::until(later(60))).await?;
        let greeting = soon("the greeting", mine.hint()).await?;
        assert!(greeting.due);
        Ok(Self {
            mine,
            worker,
            other,
        })
    }

    /// Waits until the other one is told that runs are due, by a hint that says just that.
    async fn is_told_of_due_runs(&self) -> Result<()> {
        loop {
            let hint = soon("the hint", self.other.hint()).await?;
            if hint.due && !hint.missed {
                return Ok(());
            }
        }
    }

    async fn close(self) -> Result<()> {
        self.mine.close().await?;
        Ok(self.other.close().await?)
    }
}

/// Also when its process ends right afterwards.
#[tokio::test]
async fn runs_that_a_worker_gives_back_are_told_to_others() -> Result<()> {
    needs!(Database);
    let database = Database::shared().await?;
    let two = Two::open(database.url()).await?;
    start(&two.mine, "a", two.worker).await?;
    assert_eq!(two.mine.release_strays(two.worker, &[]).await?, 1);
    two.is_told_of_due_runs().await?;
    start(&two.mine, "b", two.worker).await?;
    assert_eq!(two.mine.retire_worker(two.worker).await?, 1);
    two.mine.close().await?;
    two.is_told_of_due_runs().await?;
    two.close().await
}

#[tokio::test]
async fn what_concerns_another_process_is_told_to_it() -> Result<()> {
    needs!(Database);
    let database = Database::shared().await?;
    let two = Two::open(database.url()).await?;
    let run = start(&two.mine, "a", two.worker).await?;

    two.other.commit(&signal(run)).await?;
    let hint = soon("the hint of mail", two.mine.hint()).await?;
    assert_eq!(
        hint,
        Hint {
            mail: vec![run],
            ..Hint::default()
        }
    );

    let mut free = starts("b", two.worker);
    free.starts[0].owner = None;
    two.other.commit(&free).await?;
    let hint = soon("the hint of a start", two.mine.hint()).await?;
    assert_eq!(
        hint,
        Hint {
            due: true,
            ..Hint::default()
        }
    );

    let mut ends = step(run, 0);
    ends.update = Some(RunUpdate {
        status: durable::Status::Completed,
        ownership: Ownership::Keep,
        reason: None,
    });
    two.other.commit(&commits(ends)).await?;
    let hint = soon("the hint of an end", two.mine.hint()).await?;
    assert_eq!(
        hint,
        Hint {
            ended: vec![run],
            ..Hint::default()
        }
    );
    two.close().await
}

/// One batch of many parts is one notification, and a process is not told what it wrote itself.
#[tokio::test]
async fn a_batch_is_told_in_one_piece_and_only_to_others() -> Result<()> {
    needs!(Database);
    let database = Database::shared().await?;
    let two = Two::open(database.url()).await?;
    let mut runs: Vec<RunKey> = Vec::new();
    for n in 0..5 {
        runs.push(start(&two.mine, &n.to_string(), two.worker).await?);
    }
    // Its own mail to its own runs, and steps, concern nobody else.
    let own = Batch {
        id: Some(BatchId {
            worker: two.worker,
            number: 1,
        }),
        mail: signal(runs[0]).mail,
        commits: vec![step(runs[1], 0)],
        ..Batch::default()
    };
    two.mine.commit(&own).await?;
    let batch = Batch {
        mail: runs.iter().flat_map(|run| signal(*run).mail).collect(),
        ..Batch::default()
    };
    two.other.commit(&batch).await?;
    let hint = soon("the hint", two.mine.hint()).await?;
    assert_eq!(
        hint,
        Hint {
            mail: runs,
            ..Hint::default()
        }
    );
    two.close().await
}

/// Whoever listens on a connection that broke is told that something may have been missed.
#[tokio::test]
async fn a_gap_in_listening_is_told() -> Result<()> {
    needs!(Database);
    let database = Database::shared().await?;
    let url = database.url();
    let two = Two::open(url).await?;
    // Having begun to listen, a process takes the lock that shows that it is there, and says so.
    let listeners = "FROM pg_stat_activity WHERE datname = current_database() \
                     AND pid <> pg_backend_pid() AND query ~ 'LISTEN|pg_advisory_lock|SET session = .1'";
    for _ in 0..3 {
        let terminate = format!("SELECT pg_terminate_backend(pid) {listeners}");
        execute(url, &terminate).await?;
        let hint = soon("the hint of a gap", async {
            loop {
                let hint = two.mine.hint().await;
                if hint.missed {
                    return hint;
                }
            }
        });
        hint.await?;
    }
    // No connection is left behind.
    until(url, &format!("(SELECT count(*) {listeners}) = 2")).await?;
    two.close().await
}

/// A process alone on its database says that it is there, and nothing else.
#[tokio::test]
async fn without_others_nothing_is_sent() -> Result<()> {
    needs!(Database);
    let database = Database::shared().await?;
    let url = database.url();
    let mut listener = PgListener::connect(url).await?;
    listener.listen("durable").await?;
    let store = PostgresStore::open(url).await?;
    let worker = store.register_worker(NewWorker::until(later(60))).await?;
    let greeting = soon("the greeting", listener.recv()).await??;
    assert!(greeting.payload().ends_with(" d"), "{greeting:?}");
    let run = start(&store, "a", worker).await?;
    for position in 0..10 {
        store.commit(&signal(run)).await?;
        store.commit(&commits(step(run, position))).await?;
        // On the connection that hints are sent on.
        assert!(store.renew_lease(worker, later(60)).await?);
    }
    execute(url, "NOTIFY durable, 'end'").await?;
    let last = soon("the end", listener.recv()).await??;
    assert_eq!(last.payload(), "end");
    Ok(store.close().await?)
}

/// Waits for a word, and passes it on.
#[durable::workflow]
async fn listener(ctx: &Ctx) -> Result<String> {
    Ok(ctx.signal::<String>("word").await?)
}

async fn engine(url: &str, notifications: bool) -> Result<Engine> {
    let options = PostgresOptions::default().notifications(notifications);
    let store = PostgresStore::open_with(url, options).await?;
    let builder = Engine::builder().linger(Duration::from_secs(3_600));
    Ok(builder.start(store).await?)
}

/// A signal reaches a run in another process's memory, and its result comes back.
async fn two_engines_reach_each_other(notifications: bool) -> Result<()> {
    let database = Database::shared().await?;
    let mine = engine(database.url(), notifications).await?;
    let other = engine(database.url(), notifications).await?;
    let run = mine.client().start::<listener>("a", ()).await?;
    run.reaches(durable::Status::Suspended).await?;
    let attached = other.client().attach::<listener>("a").await?;
    attached.signal(listener::word, "hello".to_owned()).await?;
    assert_eq!(soon("the result", attached.result()).await??, "hello");
    mine.shutdown().await?;
    other.shutdown().await
}

#[tokio::test]
async fn a_signal_and_a_result_cross_processes() -> Result<()> {
    needs!(Database);
    two_engines_reach_each_other(true).await
}

#[tokio::test]
async fn a_signal_and_a_result_cross_processes_without_notifications() -> Result<()> {
    needs!(Database);
    two_engines_reach_each_other(false).await
}
