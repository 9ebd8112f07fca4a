//! Transactions that fail half-way.

use std::time::Duration;

use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Executor, Row, SqliteConnection};

use super::{
    SqliteOptions, SqliteStore, batch,
    open::{STATEMENTS, connect_options},
    parked::PARKED,
    read::{ListedBy, list_sql},
};
use crate::{
    failure::BoxError,
    journal::{Epoch, Event, EventKind, MailId, Payload, RunId, RunKey, Timestamp, WorkerId},
    status::Status,
    store::{
        Batch, BatchId, Commit, CommitOutcome, MailKind, MailOutcome, MailTarget, NewMail, NewRun,
        NewWorker, Ownership, RunQuery, RunUpdate, StartOutcome, Store,
    },
};

/// A store and another connection to its file, which makes statements fail.
struct Fixture {
    store: SqliteStore,
    other: SqliteConnection,
    worker: WorkerId,
    folder: std::path::PathBuf,
}

impl Fixture {
    async fn new(name: &str) -> Result<Self, BoxError> {
        let folder = std::env::temp_dir().join(format!("durable-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&folder)?;
        let path = folder.join("runs.db").display().to_string();
        let options = SqliteOptions::default().busy_timeout(Duration::from_millis(100));
        let store = SqliteStore::open_with(&path, options).await?;
        let new = NewWorker {
            lease_until: Timestamp::MAX,
            workflows: None,
        };
        Ok(Self {
            worker: store.register_worker(new).await?,
            other: SqliteConnection::connect(&format!("sqlite://{path}")).await?,
            store,
            folder,
        })
    }

    /// Makes a statement fail and leave what the transaction has written so far. It waits for nobody: a
    /// transaction that was left open makes it fail itself.
    async fn deny(&mut self, event: &str) -> Result<(), BoxError> {
        let sql = format!(
            "PRAGMA busy_timeout = 100; CREATE TRIGGER deny BEFORE {event} BEGIN SELECT RAISE(FAIL, 'denied'); END"
        );
        self.other.execute(AssertSqlSafe(sql)).await?;
        Ok(())
    }

    async fn allow(&mut self) -> Result<(), BoxError> {
        self.other.execute("DROP TRIGGER deny").await?;
        Ok(())
    }

    fn batch(&self, batch: Batch) -> Batch {
        Batch {
            id: Some(BatchId {
                worker: self.worker,
                number: 1,
            }),
            ..batch
        }
    }

    async fn start(&self) -> Result<RunKey, BoxError> {
        let batch = Batch {
            starts: vec![new_run("a", self.worker)],
            ..Batch::default()
        };
        match self.store.commit(&self.batch(batch)).await?.starts[..] {
            [StartOutcome::Created { run }] => Ok(run),
            _ => Err("not started".into()),
        }
    }
}

impl Drop for Fixture {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

fn new_run(id: &str, worker: WorkerId) -> NewRun {
    NewRun {
        id: RunId::from_recorded(id),
        workflow: "w".to_owned(),
        input: Payload::from_bytes(b"1".as_slice()),
        seed: 7,
        at: Timestamp::from_micros(1),
        parent: None,
        owner: Some(worker),
    }
}

fn last_commit(run: RunKey, consumed: Vec<MailId>) -> Commit {
    let event = |kind| Event {
        at: Timestamp::from_micros(2),
        step: None,
        kind,
    };
    Commit {
        run,
        created_at: Timestamp::from_micros(1),
        epoch: Epoch::new(1),
        position: 0,
        events: vec![
            event(EventKind::CancelRequested),
            event(EventKind::Canceled),
        ],
        update: Some(RunUpdate {
            status: Status::Canceled,
            ownership: Ownership::Release {
                due: None,
                seen: MailId::new(0),
            },
            reason: None,
        }),
        children: Vec::new(),
        consumed,
        outgoing: Vec::new(),
        at: Timestamp::from_micros(2),
    }
}

#[tokio::test]
async fn a_commit_that_fails_half_way_writes_nothing_and_can_be_made_again() -> Result<(), BoxError>
{
    let mut f = Fixture::new("commit").await?;
    let run = f.start().await?;
    let batch = f.batch(Batch {
        starts: vec![new_run("b", f.worker)],
        commits: vec![last_commit(run, Vec::new())],
        ..Batch::default()
    });
    f.deny("UPDATE ON runs").await?;
    assert!(f.store.commit(&batch).await.is_err());
    assert!(f.store.history(run).await?.is_empty());
    f.allow().await?;
    let outcome = f.store.commit(&batch).await?;
    assert!(matches!(
        outcome.commits[..],
        [CommitOutcome::Committed { .. }]
    ));
    assert!(matches!(outcome.starts[..], [StartOutcome::Created { .. }]));
    assert_eq!(f.store.history(run).await?.len(), 2);
    Ok(())
}

#[tokio::test]
async fn a_refused_batch_leaves_no_transaction() -> Result<(), BoxError> {
    let mut f = Fixture::new("refused").await?;
    let run = f.start().await?;
    let mut stale = last_commit(run, Vec::new());
    stale.epoch = Epoch::new(5);
    let batch = f.batch(Batch {
        commits: vec![stale],
        ..Batch::default()
    });
    let outcome = f.store.commit(&batch).await?;
    assert_eq!(outcome.commits, [CommitOutcome::LostOwnership]);
    f.deny("UPDATE ON runs").await?;
    Ok(())
}

#[tokio::test]
async fn mail_that_fails_half_way_is_not_sent_and_can_be_sent_again() -> Result<(), BoxError> {
    let mut f = Fixture::new("mail").await?;
    let run = f.start().await?;
    for to in [
        MailTarget::Key(run),
        MailTarget::Id(RunId::from_recorded("a")),
    ] {
        let mail = NewMail {
            to,
            kind: MailKind::Cancel,
            at: Timestamp::from_micros(2),
        };
        let mut batch = f.batch(Batch {
            mail: vec![mail],
            ..Batch::default()
        });
        batch.id = Some(BatchId {
            worker: f.worker,
            number: f.store.mailbox(run).await?.len() as i64,
        });
        let before = f.store.mailbox(run).await?.len();
        f.deny("INSERT ON batches").await?;
        assert!(f.store.commit(&batch).await.is_err());
        assert_eq!(f.store.mailbox(run).await?.len(), before);
        f.allow().await?;
        for _ in 0..2 {
            let outcome = f.store.commit(&batch).await?;
            assert!(matches!(outcome.mail[..], [MailOutcome::Delivered(_)]));
            assert_eq!(f.store.mailbox(run).await?.len(), before + 1);
        }
    }
    let sent = f
        .store
        .mailbox(run)
        .await?
        .iter()
        .map(|mail| mail.id)
        .collect();
    let batch = f.batch(Batch {
        commits: vec![last_commit(run, sent)],
        ..Batch::default()
    });
    f.store.commit(&batch).await?;
    assert!(f.store.mailbox(run).await?.is_empty());
    Ok(())
}

/// What SQLite does for a statement, one line for each part.
async fn plan(f: &mut Fixture, sql: &str) -> Result<Vec<String>, BoxError> {
    let sql = AssertSqlSafe(format!("EXPLAIN QUERY PLAN {sql}"));
    let rows = sqlx::query(sql).fetch_all(&mut f.other).await?;
    let parts = rows.iter().map(|row| row.try_get::<String, _>(3));
    Ok(parts.collect::<Result<_, _>>()?)
}

#[tokio::test]
async fn no_search_goes_through_all_runs() -> Result<(), BoxError> {
    let mut f = Fixture::new("plans").await?;
    f.other
        .execute(
            "INSERT INTO runs (id, workflow, status, epoch, seed, input, created_at, updated_at) \
             SELECT value, CASE WHEN value < 3 THEN 'rare' ELSE 'common' END, \
             CASE WHEN value < 6 THEN 5 ELSE 2 END, 1, 1, '1', 5, 5 \
             FROM (WITH RECURSIVE n (value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM n LIMIT 50) \
             SELECT value FROM n)",
        )
        .await?;
    let mut queries = Vec::new();
    for (workflow, parent, statuses) in [
        ("rare", None, vec![]),
        ("rare", None, vec![Status::Completed, Status::Failed]),
        ("rare", None, vec![Status::Suspended]),
        ("common", None, vec![Status::Failed]),
        ("common", Some(RunKey::new(1)), vec![Status::Suspended]),
    ] {
        let query = RunQuery {
            statuses,
            parent,
            workflow: Some(workflow.to_owned()),
            ..RunQuery::default()
        };
        let by = ListedBy::of(&mut f.other, &query).await?;
        queries.push(list_sql(&query, by));
    }
    let [all, ended, suspended, failed, children] = &queries[..] else {
        return Err("a query is missing".into());
    };
    for (sql, index) in [
        (&**all, "runs_workflow (workflow=? AND rowid<?)"),
        (ended, "runs_workflow (workflow=? AND rowid<?)"),
        (suspended, "runs_workflow (workflow=? AND rowid<?)"),
        (failed, "runs_status (status=? AND rowid<?)"),
        (children, "runs_parent (parent=? AND rowid<?)"),
        (
            PARKED,
            "SEARCH r USING INDEX runs_parked (workflow=? AND <expr>=?)",
        ),
    ] {
        let plan = plan(&mut f, sql).await?;
        assert!(plan.iter().any(|part| part.contains(index)), "{plan:?}");
        let scans = |part: &&String| part.starts_with("SCAN r") && !part.contains("runs_parked");
        assert_eq!(plan.iter().find(scans), None, "{sql}");
    }
    Ok(())
}

#[tokio::test]
async fn what_a_worker_has_sent_is_forgotten_a_week_after_it_was_found_gone() -> Result<(), BoxError>
{
    const DAY: u64 = 24 * 3600;
    let mut f = Fixture::new("batches").await?;
    let day = |days: u64| Timestamp::from_micros(0).after(Duration::from_secs(days * DAY));
    let run = f.start().await?;
    let mail = Batch {
        mail: vec![NewMail {
            to: MailTarget::Key(run),
            kind: MailKind::Cancel,
            at: day(100),
        }],
        ..Batch::default()
    };
    let mail = f.batch(mail);
    let other = f.store.register_worker(NewWorker::until(day(300))).await?;
    for worker in [f.worker, other] {
        let mut mail = mail.clone();
        mail.id = Some(BatchId { worker, number: 1 });
        f.store.commit(&mail).await?;
    }
    f.store.renew_lease(f.worker, day(100)).await?;
    for (now, remembered) in [(101, 2), (107, 2), (109, 1), (200, 1), (301, 1), (310, 0)] {
        f.store.reap(day(now)).await?;
        let sql = "SELECT count(*) FROM batches";
        let left: i64 = sqlx::query_scalar(sql).fetch_one(&mut f.other).await?;
        assert_eq!(left, remembered, "day {now}");
        if now == 107 {
            // It was alive, and sends it again.
            f.store.commit(&mail).await?;
            assert_eq!(f.store.mailbox(run).await?.len(), 2);
        }
    }
    Ok(())
}

#[tokio::test]
async fn few_statements_stay_prepared_however_many_sorts_of_batches_there_are()
-> Result<(), BoxError> {
    let f = Fixture::new("statements").await?;
    let path = f.folder.join("runs.db");
    let mut connection = connect_options(&path, &SqliteOptions::default())
        .connect()
        .await?;
    let sorts = [1, 4, 16, 64, 256].into_iter().flat_map(|starts| {
        (0..9).flat_map(move |events| [0, 1, 4].map(|consumed| (starts, 1 << events, consumed)))
    });
    let mut count = 0;
    for (starts, events, consumed) in sorts {
        let id = |number: &str| format!("{starts}-{events}-{consumed}-{number}");
        let first = Batch {
            starts: vec![new_run(&id("first"), f.worker)],
            ..Batch::default()
        };
        let outcome = batch::write(&mut connection, first).await??;
        let [StartOutcome::Created { run }] = outcome.starts[..] else {
            return Err("not started".into());
        };
        let mut last = last_commit(run, (0..consumed).map(MailId::new).collect());
        last.events = vec![last.events[0].clone(); events];
        let starts = (0..starts).map(|n: u32| new_run(&id(&n.to_string()), f.worker));
        let batch = Batch {
            starts: starts.collect(),
            commits: vec![last],
            ..Batch::default()
        };
        batch::write(&mut connection, batch).await??;
        count += 1;
    }
    let prepared = connection.cached_statements_size();
    assert!(count > STATEMENTS && prepared <= STATEMENTS, "{prepared}");
    Ok(connection.close().await?)
}
