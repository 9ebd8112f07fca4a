//! Somebody has a transaction open for long, so that nothing which dies meanwhile can be removed: whoever looks
//! must not pass all of it again and again. What it costs is counted in pages.

use std::time::Duration;

use durable::{
    Result, Status,
    journal::{MailId, RunKey, Timestamp, WorkerId},
    store::{
        Batch, BatchId, Claim, Commit, CommitOutcome, LoadedRun, NewWorker, Ownership,
        PostgresStore, RunUpdate, Store,
    },
};
use durable_tests::{
    needs,
    server::{Database, Server},
};
use sqlx::{Connection, Executor, PgConnection};

use crate::support::{NOW, execute, hold, later, signal, starts};

/// What the claims of a round cost may be that much more than those of the first, and no more.
const GROWTH: f64 = 2.0;
/// The time between two claims.
const STEP: Duration = Duration::from_millis(20);

/// A store whose statements are counted, while an older transaction is open.
struct Horizon {
    store: PostgresStore,
    worker: WorkerId,
    now: Timestamp,
    batches: i64,
    admin: PgConnection,
    /// The open transaction.
    report: PgConnection,
    database: Database,
    _server: Server,
}

impl Horizon {
    async fn open() -> Result<Self> {
        let server = Server::start()?;
        server.count_pages()?;
        let database = server.database().await?;
        let url = database.url();
        let store = PostgresStore::open(url).await?;
        let worker = NewWorker {
            lease_until: later(3_600),
            workflows: Some(vec!["flow".to_owned(), "idle".to_owned()]),
        };
        let worker = store.register_worker(worker).await?;
        let mut admin = PgConnection::connect(url).await?;
        admin.execute("CREATE EXTENSION pg_stat_statements").await?;
        Ok(Self {
            worker,
            store,
            now: NOW,
            batches: 0,
            admin,
            report: hold(
                url,
                "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM durable.runs",
            )
            .await?,
            database,
            _server: server,
        })
    }

    /// Starts runs, and has the worker claim them.
    async fn start(&mut self, name: &str, count: usize) -> Result<Vec<LoadedRun>> {
        let mut batch = Batch::default();
        for number in 0..count {
            let mut new = starts(&format!("{name}-{number}"), self.worker);
            new.starts[0].owner = None;
            batch.starts.append(&mut new.starts);
        }
        self.store.commit(&batch).await?;
        let runs = self.claim(count).await?;
        assert_eq!(runs.len(), count);
        Ok(runs)
    }

    async fn claim(&mut self, limit: usize) -> Result<Vec<LoadedRun>> {
        self.now = self.now.after(STEP);
        let claim = Claim::new(self.worker, self.now, limit);
        Ok(self.store.claim(claim).await?.runs)
    }

    /// Lets go of runs until so long from now, or until mail comes.
    async fn release(&mut self, runs: &[LoadedRun], wait: Option<Duration>) -> Result<()> {
        let due = wait.map(|wait| self.now.after(wait));
        let batch = Batch {
            id: Some(self.next_batch()),
            commits: runs.iter().map(|run| released(run, due)).collect(),
            ..Batch::default()
        };
        let outcome = self.store.commit(&batch).await?;
        let is_written = |outcome: &CommitOutcome| *outcome != CommitOutcome::LostOwnership;
        assert!(outcome.commits.iter().all(is_written));
        Ok(())
    }

    async fn signal(&mut self, runs: &[LoadedRun]) -> Result<()> {
        let id = Some(self.next_batch());
        let mail = runs.iter().flat_map(|run| signal(run.run).mail).collect();
        let batch = Batch {
            id,
            mail,
            ..Batch::default()
        };
        self.store.commit(&batch).await?;
        Ok(())
    }

    fn next_batch(&mut self) -> BatchId {
        self.batches += 1;
        BatchId {
            worker: self.worker,
            number: self.batches,
        }
    }

    /// How many pages each statement with these words has read since this was asked last, but for those that
    /// take runs.
    async fn pages(&mut self, words: &str) -> Result<f64> {
        let pages = sqlx::query_scalar(
            "SELECT coalesce(sum(shared_blks_hit + shared_blks_read) / sum(calls), 0)::FLOAT8 \
             FROM pg_stat_statements WHERE query LIKE '%' || $1 || '%' \
             AND query NOT LIKE '%pg_stat%' AND query NOT LIKE 'WITH me %'",
        );
        let pages = pages.bind(words).fetch_one(&mut self.admin).await?;
        self.admin
            .execute("SELECT pg_stat_statements_reset()")
            .await?;
        Ok(pages)
    }

    async fn close(self) -> Result<()> {
        self.report.close().await?;
        self.admin.close().await?;
        Ok(self.store.close().await?)
    }
}

fn released(run: &LoadedRun, due: Option<Timestamp>) -> Commit {
    let seen = run.mail.last().map_or(MailId::new(0), |mail| mail.id);
    Commit {
        run: run.run,
        created_at: run.created_at,
        epoch: run.epoch,
        position: 0,
        events: Vec::new(),
        update: Some(RunUpdate {
            status: Status::Suspended,
            ownership: Ownership::Release { due, seen },
            reason: None,
        }),
        children: Vec::new(),
        consumed: run.mail.iter().map(|mail| mail.id).collect(),
        outgoing: Vec::new(),
        at: NOW,
    }
}

fn keys(runs: &[LoadedRun]) -> Vec<RunKey> {
    let mut keys: Vec<_> = runs.iter().map(|run| run.run).collect();
    keys.sort_unstable();
    keys
}

/// What is in the statements that look for runs.
const LOOK: &str = "due IS NOT NULL";

/// How many pages the rounds of some work cost for each statement with these words. All rounds are at work
/// before everything is looked at again.
async fn rounds(
    horizon: &mut Horizon,
    words: &str,
    mut work: impl AsyncFnMut(&mut Horizon, usize) -> Result<()>,
) -> Result<Vec<f64>> {
    let mut pages = Vec::new();
    for round in 0..6 {
        for turn in 0..20 {
            work(horizon, round * 20 + turn).await?;
        }
        pages.push(horizon.pages(words).await?);
    }
    Ok(pages)
}

/// At first, it is not settled yet what need not be passed.
fn assert_flat(pages: &[f64]) {
    assert!(pages[5] < pages[1] * GROWTH, "{pages:?}");
}

#[tokio::test]
async fn claims_of_timers_pass_what_is_dead_once() -> Result<()> {
    needs!(Server);
    let mut horizon = Horizon::open().await?;
    let pages = rounds(&mut horizon, LOOK, async |horizon, turn| {
        let runs = horizon.start(&turn.to_string(), 50).await?;
        horizon.release(&runs, Some(STEP / 2)).await?;
        assert_eq!(keys(&horizon.claim(50).await?), keys(&runs));
        Ok(())
    });
    assert_flat(&pages.await?);
    horizon.close().await
}

#[tokio::test]
async fn claims_of_runs_that_got_mail_pass_what_is_dead_once() -> Result<()> {
    needs!(Server);
    let mut horizon = Horizon::open().await?;
    let pages = rounds(&mut horizon, LOOK, async |horizon, turn| {
        let runs = horizon.start(&turn.to_string(), 50).await?;
        // What they were due at lies ahead, and is dead when they are claimed, too.
        let wait = Some(Duration::from_secs(86_400));
        horizon.release(&runs, wait).await?;
        horizon.signal(&runs).await?;
        assert_eq!(keys(&horizon.claim(50).await?), keys(&runs));
        Ok(())
    });
    assert_flat(&pages.await?);
    horizon.close().await
}

#[tokio::test]
async fn a_run_that_is_locked_keeps_no_claim_at_what_is_dead_behind_it() -> Result<()> {
    needs!(Server);
    let mut horizon = Horizon::open().await?;
    let locked = horizon.start("locked", 1).await?;
    horizon.release(&locked, Some(Duration::ZERO)).await?;
    let lock = format!(
        "SELECT FROM durable.runs WHERE run = {} FOR UPDATE",
        locked[0].run.get()
    );
    let mut holder = hold(horizon.database.url(), &lock).await?;
    let pages = rounds(&mut horizon, LOOK, async |horizon, turn| {
        let runs = horizon.start(&turn.to_string(), 50).await?;
        horizon.release(&runs, Some(STEP / 2)).await?;
        assert_eq!(keys(&horizon.claim(50).await?), keys(&runs));
        Ok(())
    });
    assert_flat(&pages.await?);
    holder.execute("ROLLBACK").await?;
    assert_eq!(keys(&horizon.claim(50).await?), keys(&locked));
    horizon.close().await
}

#[tokio::test]
async fn claims_that_are_full_pass_what_is_dead_once() -> Result<()> {
    needs!(Server);
    let mut horizon = Horizon::open().await?;
    let runs = horizon.start("run", 5_000).await?;
    horizon.release(&runs, Some(Duration::ZERO)).await?;
    let pages = rounds(&mut horizon, LOOK, async |horizon, _| {
        assert_eq!(horizon.claim(40).await?.len(), 40);
        Ok(())
    });
    let pages = pages.await?;
    assert!(pages[5] < pages[1], "{pages:?}");
    assert_eq!(horizon.claim(5_000).await?.len(), 5_000 - 120 * 40);
    horizon.close().await
}

#[tokio::test]
async fn a_batch_with_mail_passes_few_versions_of_what_its_worker_sent_before() -> Result<()> {
    needs!(Server);
    let mut horizon = Horizon::open().await?;
    let runs = horizon.start("run", 1).await?;
    let pages = rounds(&mut horizon, "sent_batches", async |horizon, _| {
        for _ in 0..30 {
            horizon.signal(&runs).await?;
        }
        Ok(())
    });
    let pages = pages.await?;
    assert!(pages[5] < pages[0] * GROWTH, "{pages:?}");
    horizon.close().await
}

#[tokio::test]
async fn an_owner_that_is_gone_is_found_without_passing_the_runs_of_others() -> Result<()> {
    needs!(Server);
    let mut horizon = Horizon::open().await?;
    let pages = rounds(&mut horizon, "owners", async |horizon, turn| {
        let runs = horizon.start(&turn.to_string(), 50).await?;
        horizon.release(&runs, None).await?;
        if turn % 2 == 0 {
            assert_eq!(horizon.store.reap(horizon.now).await?, 0);
        }
        Ok(())
    });
    assert_flat(&pages.await?);
    // Somebody removes the worker.
    let runs = horizon.start("last", 3).await?;
    let gone = format!(
        "DELETE FROM durable.workers WHERE worker = {}",
        horizon.worker.get()
    );
    execute(horizon.database.url(), &gone).await?;
    assert_eq!(horizon.store.reap(horizon.now).await?, runs.len() as u64);
    horizon.close().await
}

#[tokio::test]
async fn what_comes_due_late_is_found_by_looking_from_time_to_time() -> Result<()> {
    needs!(Server);
    let mut horizon = Horizon::open().await?;
    let runs = horizon.start("run", 3).await?;
    horizon.release(&runs, None).await?;
    for _ in 0..100 {
        assert!(horizon.claim(9).await?.is_empty());
    }
    // As by a transaction that took long, or by a person.
    let url = horizon.database.url();
    let late = ["1", "-99999999999999", "1690000000000000"];
    for (run, due) in runs.iter().zip(late) {
        let run = run.run.get();
        let late = format!("UPDATE durable.runs SET due = {due} WHERE run = {run}");
        execute(url, &late).await?;
    }
    let mut found = Vec::new();
    for _ in 0..250 {
        found.extend(horizon.claim(9).await?);
    }
    assert_eq!(keys(&found), keys(&runs));
    horizon.close().await
}
