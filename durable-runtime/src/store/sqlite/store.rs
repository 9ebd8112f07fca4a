//! The public handle: the [`Store`] trait, each call in a task of its own.

use std::{future::Future, pin::Pin, sync::Arc};

use sqlx::{SqliteConnection, SqlitePool};
use tokio::{sync::Mutex, task::JoinHandle};

use super::{
    SqliteOptions, batch, claim, error::describe, file::DatabaseFile, mail, open, read, worker,
    writer::Writer,
};
use crate::{
    journal::{Event, MailId, RunId, RunKey, Timestamp, WorkerId},
    store::{
        Batch, BatchId, BatchOutcome, Children, Claim, Claimed, LoadedRun, Mail, NewWorker, Owned,
        RunPage, RunQuery, RunRecord, Store, StoreError, StoreErrorKind, StoreFuture,
    },
};

/// What is done on a connection.
pub(super) type Work<T> =
    Box<dyn for<'c> FnOnce(&'c mut SqliteConnection) -> Working<'c, T> + Send>;

/// Work under way.
pub(super) type Working<'c, T> = Pin<Box<dyn Future<Output = Result<T, sqlx::Error>> + Send + 'c>>;

/// A store in a SQLite file: durable at every commit (write-ahead log, `synchronous = FULL`), and
/// shared by any number of processes on one machine.
///
/// A lock file beside the database (`<file>-lock`) tells a starting process whether another is
/// alive; when none is, the runs of the dead ones are free at once.
///
/// However it is named (a relative path, a symbolic link, `file:`), a file is one database. One that is
/// deleted or replaced while it is open is answered with [`StoreErrorKind::Replaced`] by every call, and
/// nothing is acknowledged into it. On Unix the files are made for their owner alone (mode 0600).
#[derive(Debug)]
pub struct SqliteStore(Arc<Shared>);

#[derive(Debug)]
pub(super) struct Shared {
    readers: SqlitePool,
    /// The number of the lock file that is held; `None` where no worker may be.
    lock: Option<i64>,
    writer: Mutex<Writer>,
    file: DatabaseFile,
}

impl Shared {
    pub(super) fn new(
        readers: SqlitePool,
        lock: Option<i64>,
        writer: Writer,
        file: DatabaseFile,
    ) -> Self {
        Self {
            readers,
            lock,
            writer: Mutex::new(writer),
            file,
        }
    }

    fn describe(&self, doing: &str, error: sqlx::Error) -> StoreError {
        describe(doing, self.file.path(), error)
    }

    /// The path is looked at before, so that no other file is written to, and once more before anything is
    /// acknowledged. What was opened when it led elsewhere is not kept.
    async fn write<T>(&self, doing: &str, work: Work<T>) -> Result<T, StoreError> {
        let mut writer = self.writer.lock().await;
        self.file.check()?;
        let done = writer.run(work).await;
        if let Err(replaced) = self.file.check() {
            writer.give_up();
            return Err(replaced);
        }
        done.map_err(|error| self.describe(doing, error))
    }

    async fn read<T>(&self, doing: &str, work: Work<T>) -> Result<T, StoreError> {
        self.file.check()?;
        let acquired = self.readers.acquire().await;
        // A connection that cannot be opened may be one to a file that has just gone.
        let mut connection = acquired.map_err(|error| {
            let replaced = self.file.check().err();
            replaced.unwrap_or_else(|| self.describe(doing, error))
        })?;
        let done = work(&mut connection).await;
        if let Err(replaced) = self.file.check() {
            connection.close_on_drop();
            return Err(replaced);
        }
        done.map_err(|error| self.describe(doing, error))
    }
}

impl SqliteStore {
    /// Opens a database, and creates it if it is not there. The address is `sqlite://runs.db`,
    /// `sqlite:///var/lib/app/runs.db`, or a plain path.
    ///
    /// # Errors
    ///
    /// - [`StoreErrorKind::Open`]: the address makes no sense, its directory is missing, or the file
    ///   belongs to another application or has several names (hard links);
    /// - [`StoreErrorKind::NewerSchema`]: a newer version of this library has written it;
    /// - [`StoreErrorKind::Corrupt`]: it is not a SQLite database, or is damaged;
    /// - [`StoreErrorKind::ReadOnly`]: it cannot be written;
    /// - [`StoreErrorKind::Busy`]: another process keeps it locked.
    pub async fn open(address: &str) -> Result<Self, StoreError> {
        Self::open_with(address, SqliteOptions::default()).await
    }

    /// Opens a database with options.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open).
    pub async fn open_with(address: &str, options: SqliteOptions) -> Result<Self, StoreError> {
        let address = address.to_owned();
        let opening = tokio::spawn(async move { open::open(&address, &options).await });
        Ok(Self(Arc::new(joined(opening).await??)))
    }

    /// Opens a database that is there, for [`Client::on`](crate::client::Client::on): nothing is created, no
    /// version is changed, and no worker can be registered. Another process may be at work on the file.
    ///
    /// ```
    /// use durable_runtime::store::{SqliteStore, StoreErrorKind};
    ///
    /// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
    /// let error = SqliteStore::connect("sqlite:///tmp/no-such-file-here.db").await.unwrap_err();
    /// assert_eq!(error.kind(), StoreErrorKind::Missing);
    /// # });
    /// # Ok::<(), std::io::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// - [`StoreErrorKind::Missing`]: there is no file, or it is empty;
    /// - [`StoreErrorKind::OlderSchema`], [`StoreErrorKind::NewerSchema`]: another version of this library
    ///   has made it;
    /// - otherwise as [`open`](Self::open).
    pub async fn connect(address: &str) -> Result<Self, StoreError> {
        Self::connect_with(address, SqliteOptions::default()).await
    }

    /// Opens a database that is there, for clients, with options.
    ///
    /// # Errors
    ///
    /// As [`connect`](Self::connect).
    pub async fn connect_with(address: &str, options: SqliteOptions) -> Result<Self, StoreError> {
        let address = address.to_owned();
        let opening = tokio::spawn(async move { open::connect(&address, &options).await });
        Ok(Self(Arc::new(joined(opening).await??)))
    }

    /// Writes in a task of its own: whoever waits may go away, the transaction still ends.
    fn write<T: Send + 'static>(
        &self,
        doing: &'static str,
        work: Work<T>,
    ) -> StoreFuture<'static, T> {
        let shared = Arc::clone(&self.0);
        Box::pin(async move {
            let task = tokio::spawn(async move { shared.write(doing, work).await });
            joined(task).await?
        })
    }

    /// What a claim came to; a run that cannot be taken is named.
    fn taken<T>(&self, doing: &str, taken: Result<T, claim::Culprit>) -> Result<T, StoreError> {
        taken.map_err(|culprit| self.0.describe(doing, culprit.error).about(culprit.run))
    }

    fn read_only<T: Send + 'static>(
        &self,
        doing: &'static str,
        work: Work<T>,
    ) -> StoreFuture<'static, T> {
        let shared = Arc::clone(&self.0);
        Box::pin(async move {
            let task = tokio::spawn(async move { shared.read(doing, work).await });
            joined(task).await?
        })
    }
}

async fn joined<T>(task: JoinHandle<T>) -> Result<T, StoreError> {
    task.await.map_err(|error| {
        let kind = if error.is_panic() {
            StoreErrorKind::Internal
        } else {
            StoreErrorKind::Unavailable
        };
        StoreError::new(kind, "a database call did not end").with_source(error)
    })
}

impl Store for SqliteStore {
    fn commit<'a>(&'a self, batch: &'a Batch) -> StoreFuture<'a, BatchOutcome> {
        let batch = batch.clone();
        let writing = self.write(
            "write a batch",
            Box::new(move |connection| Box::pin(batch::write(connection, batch))),
        );
        Box::pin(async move { writing.await? })
    }

    fn settle(&self, batch: BatchId) -> StoreFuture<'_, bool> {
        self.write(
            "settle a batch",
            Box::new(move |c| Box::pin(mail::is_repeated(c, batch))),
        )
    }

    fn claim(&self, claim: Claim) -> StoreFuture<'_, Claimed> {
        Box::pin(async move {
            let looking = claim.clone();
            let next_due = self
                .read_only(
                    "look for due runs",
                    Box::new(move |c| Box::pin(async move { claim::next_due(c, &looking).await })),
                )
                .await?;
            if claim.limit == 0 || next_due.is_none_or(|due| due > claim.now) {
                return Ok(Claimed {
                    runs: Vec::new(),
                    next_due,
                });
            }
            let claimed = self.write(
                "claim runs",
                Box::new(move |connection| Box::pin(claim::claim(connection, claim))),
            );
            self.taken("claim runs", claimed.await?)
        })
    }

    fn claim_run(
        &self,
        worker: WorkerId,
        now: Timestamp,
        run: RunKey,
    ) -> StoreFuture<'_, Option<LoadedRun>> {
        let claim = Claim::new(worker, now, 1);
        Box::pin(async move {
            let claimed = self.write(
                "claim a run",
                Box::new(move |c| Box::pin(claim::claim_run(c, claim, run))),
            );
            let runs = self.taken("claim a run", claimed.await?)?;
            Ok(runs.into_iter().next())
        })
    }

    fn register_worker(&self, worker: NewWorker) -> StoreFuture<'_, WorkerId> {
        let Some(lock) = self.0.lock else {
            return Box::pin(async { Err(StoreError::for_clients("SqliteStore")) });
        };
        self.write(
            "register a worker",
            Box::new(move |c| Box::pin(worker::register(c, worker, lock))),
        )
    }

    fn renew_lease(&self, worker: WorkerId, lease_until: Timestamp) -> StoreFuture<'_, bool> {
        self.write(
            "renew a lease",
            Box::new(move |c| Box::pin(worker::renew(c, worker, lease_until))),
        )
    }

    fn release_strays<'a>(
        &'a self,
        worker: WorkerId,
        residents: &'a [RunKey],
    ) -> StoreFuture<'a, u64> {
        let residents = residents.iter().map(|run| run.get()).collect();
        self.write(
            "release strays",
            Box::new(move |c| Box::pin(worker::release_strays(c, worker, residents))),
        )
    }

    fn retire_worker(&self, worker: WorkerId) -> StoreFuture<'_, u64> {
        self.write(
            "retire a worker",
            Box::new(move |c| Box::pin(worker::retire(c, worker))),
        )
    }

    fn leases(&self) -> StoreFuture<'_, Vec<(WorkerId, Timestamp)>> {
        self.read_only(
            "look at the leases",
            Box::new(|c| Box::pin(worker::leases(c))),
        )
    }

    fn end_leases<'a>(&'a self, leases: &'a [(WorkerId, Timestamp)]) -> StoreFuture<'a, ()> {
        let leases = leases.to_vec();
        self.write(
            "end leases",
            Box::new(move |c| Box::pin(worker::end_leases(c, leases))),
        )
    }

    fn reap(&self, now: Timestamp) -> StoreFuture<'_, u64> {
        Box::pin(async move {
            let expired = self
                .read_only(
                    "look for expired leases",
                    Box::new(move |c| Box::pin(worker::anything_to_reap(c, now))),
                )
                .await?;
            if !expired {
                return Ok(0);
            }
            self.write(
                "reap workers",
                Box::new(move |c| Box::pin(worker::reap(c, now))),
            )
            .await
        })
    }

    fn claim_parked(&self, claim: Claim) -> StoreFuture<'_, Vec<LoadedRun>> {
        Box::pin(async move {
            let looking = claim.clone();
            let any = self
                .read_only(
                    "look for parked runs",
                    Box::new(move |c| Box::pin(claim::any_parked(c, looking))),
                )
                .await?;
            if !any {
                return Ok(Vec::new());
            }
            let claimed = self.write(
                "claim parked runs",
                Box::new(move |c| Box::pin(claim::claim_parked(c, claim))),
            );
            self.taken("claim parked runs", claimed.await?)
        })
    }

    fn find<'a>(&'a self, id: &'a RunId) -> StoreFuture<'a, Option<RunRecord>> {
        let id = id.clone();
        self.read_only("find a run", Box::new(move |c| Box::pin(read::find(c, id))))
    }

    fn read(&self, run: RunKey) -> StoreFuture<'_, Option<RunRecord>> {
        self.read_only(
            "read a run",
            Box::new(move |c| Box::pin(read::read(c, run))),
        )
    }

    fn owned(&self, worker: WorkerId) -> StoreFuture<'_, Option<Vec<Owned>>> {
        self.read_only(
            "look which runs are owned",
            Box::new(move |c| Box::pin(read::owned(c, worker))),
        )
    }

    fn unread(&self, worker: WorkerId) -> StoreFuture<'_, Vec<RunKey>> {
        self.read_only(
            "look for mail",
            Box::new(move |c| Box::pin(read::unread(c, worker))),
        )
    }

    fn mailbox(&self, run: RunKey) -> StoreFuture<'_, Vec<Mail>> {
        self.read_only(
            "read a mailbox",
            Box::new(move |c| Box::pin(read::mailbox(c, run))),
        )
    }

    fn mailboxes<'a>(
        &'a self,
        runs: &'a [(RunKey, MailId)],
        limit: usize,
    ) -> StoreFuture<'a, Vec<(RunKey, Result<Mail, StoreError>)>> {
        let runs = runs.to_vec();
        Box::pin(async move {
            let found = self.read_only(
                "read mailboxes",
                Box::new(move |c| Box::pin(read::mailboxes(c, runs, limit))),
            );
            let described = |(run, mail): (RunKey, Result<Mail, sqlx::Error>)| {
                let mail = mail.map_err(|error| self.0.describe("read a mailbox", error));
                (run, mail)
            };
            Ok(found.await?.into_iter().map(described).collect())
        })
    }

    fn history(&self, run: RunKey) -> StoreFuture<'_, Vec<Event>> {
        self.read_only(
            "read a journal",
            Box::new(move |c| Box::pin(read::history(c, run))),
        )
    }

    fn children(&self, run: RunKey) -> StoreFuture<'_, Vec<RunRecord>> {
        self.read_only(
            "read the children of a run",
            Box::new(move |c| Box::pin(read::children(c, run))),
        )
    }

    fn some_children(&self, run: RunKey, after: RunKey, limit: usize) -> StoreFuture<'_, Children> {
        self.read_only(
            "read the children of a run",
            Box::new(move |c| Box::pin(read::some_children(c, run, after, limit))),
        )
    }

    fn list<'a>(&'a self, query: &'a RunQuery) -> StoreFuture<'a, RunPage> {
        let query = query.clone();
        self.read_only(
            "list runs",
            Box::new(move |c| Box::pin(read::list(c, query))),
        )
    }

    fn close(&self) -> StoreFuture<'_, ()> {
        let shared = Arc::clone(&self.0);
        Box::pin(async move {
            let task = tokio::spawn(async move {
                let mut writer = shared.writer.lock().await;
                // The writing connection closes last: it folds the log into the file.
                shared.readers.close().await;
                let closed = writer.close().await;
                closed.map_err(|error| shared.describe("close the database", error))
            });
            joined(task).await?
        })
    }
}
