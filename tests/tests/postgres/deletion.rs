//! Somebody deletes a run with a shell, in the very moment in which something of it is written.

use std::sync::Arc;

use durable::{
    Result,
    journal::{RunId, RunKey, StepId, WorkerId},
    store::{
        Batch, BatchId, BatchOutcome, Commit, CommitOutcome, MailKind, MailOutcome, MailTarget,
        NewMail, NewWorker, Parent, PostgresStore, Store,
    },
};
use durable_tests::{needs, server::Database};
use sqlx::{Connection, Executor, PgConnection};

use crate::support::{
    NOW, commits, count, execute, hold, later, signal, start, starts, step, until,
};

const DELETE: &str = "DELETE FROM durable.runs WHERE id = 'gone'";

/// Whether some session waits for a lock.
const SOMEBODY_WAITS: &str = "EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() \
     AND wait_event_type = 'Lock')";

/// A run that is about to be deleted, its child, and one that stays.
struct Family {
    store: Arc<PostgresStore>,
    worker: WorkerId,
    gone: RunKey,
    child: RunKey,
    there: RunKey,
    database: Database,
}

impl Family {
    async fn new() -> Result<Self> {
        let database = Database::shared().await?;
        let store = PostgresStore::open(database.url()).await?;
        let worker = store.register_worker(NewWorker::until(later(60))).await?;
        let gone = start(&store, "gone", worker).await?;
        let there = start(&store, "there", worker).await?;
        let mut child = starts("child", worker);
        child.starts[0].parent = Some(parent(gone));
        store.commit(&child).await?;
        let child = count(
            database.url(),
            "SELECT run FROM durable.runs WHERE id = 'child'",
        );
        Ok(Self {
            child: RunKey::new(child.await?),
            store: Arc::new(store),
            worker,
            gone,
            there,
            database,
        })
    }

    /// The batch, as one of the worker's.
    fn sent(&self, number: i64, batch: Batch) -> Batch {
        let worker = self.worker;
        Batch {
            id: Some(BatchId { worker, number }),
            mailbox_max: Some(9),
            ..batch
        }
    }

    fn write(&self, batch: Batch) -> tokio::task::JoinHandle<Result<BatchOutcome>> {
        let (store, batch) = (Arc::clone(&self.store), self.sent(1, batch));
        tokio::spawn(async move { Ok(store.commit(&batch).await?) })
    }

    /// Nothing is left of what was deleted once its worker has noticed, and the other run goes on.
    async fn assert_gone(&self) -> Result<()> {
        let next = [step(self.gone, 1), step(self.child, 1)];
        let batch = Batch {
            commits: next.to_vec(),
            ..Batch::default()
        };
        let outcome = self.store.commit(&self.sent(2, batch)).await?;
        assert_eq!(
            outcome.commits,
            [CommitOutcome::LostOwnership, CommitOutcome::LostOwnership]
        );
        let left = "SELECT (SELECT count(*) FROM durable.runs WHERE id <> 'there' AND id <> 'new') \
             + (SELECT count(*) FROM durable.journal AS j WHERE NOT EXISTS \
             (SELECT FROM durable.runs AS r WHERE r.run = j.run)) \
             + (SELECT count(*) FROM durable.mailbox AS m WHERE NOT EXISTS \
             (SELECT FROM durable.runs AS r WHERE r.run = m.run))";
        assert_eq!(count(self.database.url(), left).await?, 0);
        let position = self.store.history(self.there).await?.len();
        let on = step(self.there, u32::try_from(position)?);
        let outcome = self.store.commit(&self.sent(3, commits(on))).await?;
        assert!(matches!(
            outcome.commits[0],
            CommitOutcome::Committed { .. }
        ));
        Ok(self.store.close().await?)
    }
}

fn parent(run: RunKey) -> Parent {
    Parent {
        run,
        step: StepId::from_recorded("child"),
    }
}

/// A commit that starts another child.
fn starting(family: &Family) -> Commit {
    let mut commit = step(family.gone, 0);
    commit.children = starts("late", family.worker).starts;
    for new in &mut commit.children {
        new.parent = Some(parent(family.gone));
    }
    commit
}

/// A commit of the child that tells its parent.
fn telling(family: &Family) -> Commit {
    let mut commit = step(family.child, 0);
    commit.outgoing = vec![NewMail {
        to: MailTarget::Key(family.gone),
        kind: MailKind::Cancel,
        at: NOW,
    }];
    commit
}

#[tokio::test]
async fn what_is_written_to_a_run_while_it_is_deleted_waits_and_is_told_so() -> Result<()> {
    needs!(Database);
    let signal_and_start = |family: &Family| Batch {
        mail: signal(family.gone).mail,
        ..starts("new", family.worker)
    };
    let by_id = |_: &Family| {
        let mut batch = signal(RunKey::new(0));
        batch.mail[0].to = MailTarget::Id(RunId::from_recorded("gone"));
        batch
    };
    let batches: [&dyn Fn(&Family) -> Batch; 6] = [
        &|family| commits(step(family.gone, 0)),
        &|family| commits(starting(family)),
        &|family| commits(telling(family)),
        &|family| signal(family.gone),
        &by_id,
        &signal_and_start,
    ];
    for batch in batches {
        let family = Family::new().await?;
        let url = family.database.url();
        let mut deleting = hold(url, DELETE).await?;
        let writing = family.write(batch(&family));
        until(url, SOMEBODY_WAITS).await?;
        deleting.execute("COMMIT").await?;
        let outcome = writing.await??;
        assert!(
            outcome
                .mail
                .iter()
                .all(|mail| *mail == MailOutcome::UnknownRun),
            "{outcome:?}"
        );
        assert!(
            outcome
                .commits
                .iter()
                .all(|c| *c == CommitOutcome::LostOwnership),
            "{outcome:?}"
        );
        family.assert_gone().await?;
        deleting.close().await?;
    }
    Ok(())
}

/// Events of several runs are appended without holding the runs, so nobody waits; what is left is removed.
#[tokio::test]
async fn events_that_are_written_while_their_run_is_deleted_do_not_stay() -> Result<()> {
    needs!(Database);
    let family = Family::new().await?;
    let mut deleting = hold(family.database.url(), DELETE).await?;
    let batch = Batch {
        commits: vec![step(family.gone, 0), step(family.there, 0)],
        ..Batch::default()
    };
    family.write(batch).await??;
    deleting.execute("COMMIT").await?;
    deleting.close().await?;
    family.assert_gone().await
}

/// The other way round: the batch has written and waits for something else when somebody deletes the run.
#[tokio::test]
async fn a_run_that_is_deleted_while_a_batch_is_under_way_leaves_nothing() -> Result<()> {
    needs!(Database);
    for (commit, is_held) in [
        (step as fn(RunKey, u32) -> Commit, false),
        (step_and_mail, true),
    ] {
        let family = Family::new().await?;
        let url = family.database.url();
        // Somebody is about to start a run of the same id, and the batch waits to see what becomes of it.
        let mut starting = hold(
            url,
            "INSERT INTO durable.runs (run, epoch, seed, created_at, updated_at, status, id, workflow, input) \
             VALUES (999, 0, 1, 1, 1, 0, 'new', 'w', '1')",
        )
        .await?;
        let writing = family.write(Batch {
            commits: vec![commit(family.gone, 0), step(family.there, 0)],
            ..starts("new", family.worker)
        });
        until(url, SOMEBODY_WAITS).await?;
        let mut deleting = PgConnection::connect(url).await?;
        let deletion = tokio::spawn(async move { deleting.execute(DELETE).await.map(drop) });
        if is_held {
            let both = SOMEBODY_WAITS.replace("EXISTS (SELECT", "2 = (SELECT count(*)");
            until(url, &both).await?;
        } else {
            until(
                url,
                "NOT EXISTS (SELECT FROM durable.runs WHERE id = 'gone')",
            )
            .await?;
        }
        starting.execute("ROLLBACK").await?;
        writing.await??;
        deletion.await??;
        family.assert_gone().await?;
        starting.close().await?;
    }
    Ok(())
}

/// One event, and mail to the run itself.
fn step_and_mail(run: RunKey, position: u32) -> Commit {
    let mut commit = step(run, position);
    commit.outgoing = signal(run).mail;
    commit
}

/// A run of the same id that is started anew has nothing of the one before.
#[tokio::test]
async fn a_run_that_takes_the_id_of_a_deleted_one_has_nothing_of_it() -> Result<()> {
    needs!(Database);
    let family = Family::new().await?;
    let url = family.database.url();
    let mut deleting = hold(url, DELETE).await?;
    let again = family.write(starts("gone", family.worker));
    until(url, SOMEBODY_WAITS).await?;
    deleting.execute("COMMIT").await?;
    again.await??;
    let run = RunKey::new(count(url, "SELECT run FROM durable.runs WHERE id = 'gone'").await?);
    assert!(run > family.child);
    let late = family
        .store
        .commit(&family.sent(2, commits(step(family.gone, 0))))
        .await?;
    assert_eq!(late.commits, [CommitOutcome::LostOwnership]);
    assert!(family.store.history(run).await?.is_empty());
    execute(url, DELETE).await?;
    family.assert_gone().await?;
    deleting.close().await?;
    Ok(())
}
