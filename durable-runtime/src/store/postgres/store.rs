//! The public handle: the [`Store`] trait, each call in a task of its own.

use std::{fmt, future::Future, pin::Pin, sync::Arc};

use tokio::{runtime::Handle, task::JoinHandle};

use super::{
    PostgresOptions, batch, claim,
    error::describe,
    open::{self, Prepared, Purpose},
    pool::{Pool, Work},
    read,
    thread::IoThread,
    worker,
};
use crate::{
    clock::Clock,
    journal::{Event, MailId, RunId, RunKey, Timestamp, WorkerId},
    store::{
        Batch, BatchId, BatchOutcome, Children, Claim, Claimed, Hint, LoadedRun, Mail, NewWorker,
        Owned, RunPage, RunQuery, RunRecord, Store, StoreError, StoreErrorKind, StoreFuture,
    },
};

/// A store in a PostgreSQL database (14 or later), shared by any number of workers on any number of
/// machines.
pub struct PostgresStore(Arc<Shared>);

pub(super) struct Shared {
    thread: IoThread,
    prepared: Prepared,
}

impl Shared {
    pub(super) fn new(thread: IoThread, prepared: Prepared) -> Self {
        Self { thread, prepared }
    }
}

impl fmt::Debug for PostgresStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PostgresStore({})", self.0.prepared.address)
    }
}

impl PostgresStore {
    /// Opens a database, and creates the schema `durable` and its tables if they are not there.
    ///
    /// The address is `postgres://user:password@host:5432/database`, and is read as `libpq`,
    /// PostgreSQL's own library, reads it, with its variables (`PGPASSWORD` and others) and its password
    /// file. There may be several hosts (`host1:5432,host2:5432`): the one that takes writes is used, and
    /// looked for again when it no longer does. Parameters after `?`:
    ///
    /// - followed: `sslmode`, `sslrootcert` (also `system`), `sslcert`, `sslkey`, `host` (also a folder
    ///   of Unix sockets), `hostaddr`, `port`, `dbname`, `user`, `password`, `application_name`,
    ///   `options`, `target_session_attrs` (`any`, `read-write`, `primary`, which mean the same here),
    ///   and `connect_timeout` in seconds, for each host, within
    ///   [`call_timeout`](PostgresOptions::call_timeout);
    /// - `channel_binding=require`: as `sslmode=verify-full`, which protects against the same;
    /// - ignored, since nothing depends on them: `keepalives` and its kin (a dead line is noticed by
    ///   `call_timeout`), `sslnegotiation`, `sslcompression`, `client_encoding`, `load_balance_hosts`.
    ///
    /// What cannot be followed and would protect less or mean another server is refused. No error shows a
    /// password.
    ///
    /// What weakens the promises (a server with `fsync = off`, a connection that does not verify its
    /// server) is logged as a warning, and told by [`warnings`](Self::warnings).
    ///
    /// # Errors
    ///
    /// - [`StoreErrorKind::Open`]: the address makes no sense, the database does not exist, or the
    ///   schema belongs to another application;
    /// - [`StoreErrorKind::Denied`]: the login was refused, or the role lacks a right;
    /// - [`StoreErrorKind::Unsupported`]: the server is older than 14, the database not in UTF-8, or a
    ///   transaction pooler stands in front of it;
    /// - [`StoreErrorKind::NewerSchema`]: a newer version of this library has written it;
    /// - [`StoreErrorKind::ReadOnly`]: the server is a standby;
    /// - [`StoreErrorKind::Unavailable`]: the server cannot be reached.
    pub async fn open(address: &str) -> Result<Self, StoreError> {
        Self::open_with(address, PostgresOptions::default()).await
    }

    /// Opens a database with options.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open).
    pub async fn open_with(address: &str, options: PostgresOptions) -> Result<Self, StoreError> {
        let opened = open::open(address, options, Purpose::Work).await?;
        Ok(Self(Arc::new(opened)))
    }

    /// Opens a database that is there, for [`Client::on`](crate::client::Client::on): nothing is created, no
    /// version is changed, and no worker can be registered. The role needs fewer rights than that of a worker:
    /// none to change the schema, none to delete, and none to write to journals.
    ///
    /// # Errors
    ///
    /// - [`StoreErrorKind::Missing`]: the schema is not there, or has no tables;
    /// - [`StoreErrorKind::OlderSchema`], [`StoreErrorKind::NewerSchema`]: another version of this library
    ///   has made it;
    /// - otherwise as [`open`](Self::open).
    pub async fn connect(address: &str) -> Result<Self, StoreError> {
        Self::connect_with(address, PostgresOptions::default()).await
    }

    /// Opens a database that is there, for clients, with options.
    ///
    /// # Errors
    ///
    /// As [`connect`](Self::connect).
    pub async fn connect_with(address: &str, options: PostgresOptions) -> Result<Self, StoreError> {
        let opened = open::open(address, options, Purpose::Ask).await?;
        Ok(Self(Arc::new(opened)))
    }

    /// What about the server or the connection weakens the promises; empty when all is well.
    pub fn warnings(&self) -> &[String] {
        &self.0.prepared.warnings
    }

    /// Does work in a task of its own: whoever waits may go away, the call still ends.
    fn call<T: Send + 'static>(
        &self,
        doing: &'static str,
        pool: fn(&Prepared) -> &Pool,
        work: Work<T>,
    ) -> StoreFuture<'static, T> {
        let shared = Arc::clone(&self.0);
        Box::pin(async move {
            let task = Arc::clone(&shared);
            let task = shared.thread.spawn(async move {
                let prepared = &task.prepared;
                let done = pool(prepared).run(work).await;
                done.map_err(|fault| describe(doing, &prepared.address, fault))
            });
            joined(task).await?
        })
    }

    fn write<T: Send + 'static>(
        &self,
        doing: &'static str,
        work: Work<T>,
    ) -> StoreFuture<'static, T> {
        self.call(doing, |prepared| &prepared.work, work)
    }

    /// A call after which nothing is remembered of where to look if it fails: the database may be another one.
    fn unless_it_fails<'a, T: Send + 'static>(
        &'a self,
        call: StoreFuture<'static, T>,
    ) -> StoreFuture<'a, T> {
        Box::pin(async move {
            let done = call.await;
            if done.is_err() {
                self.forget();
            }
            done
        })
    }

    fn forget(&self) {
        self.0.prepared.heads.forget();
        self.0.prepared.owners.forget();
    }

    fn note_releases(&self, batch: &Batch) {
        for commit in &batch.commits {
            if let Some(due) = commit.released_until() {
                self.0.prepared.heads.note_release(due);
            }
        }
    }

    /// Of the runs that a batch writes to, those whose rows somebody else holds.
    fn locked(&self, batch: &Batch) -> StoreFuture<'static, Vec<(RunKey, RunId)>> {
        let batch = batch.clone();
        self.write(
            "look who is locked",
            Box::new(move |c| Box::pin(async move { batch::locked(c, &batch).await })),
        )
    }

    /// On the connection of leases, which no batch keeps busy.
    fn keep_lease<T: Send + 'static>(
        &self,
        doing: &'static str,
        work: Work<T>,
    ) -> StoreFuture<'static, T> {
        self.call(doing, |prepared| &prepared.leases, work)
    }

    /// A call that gives how many runs it has freed, which others are told.
    fn freeing(&self, call: StoreFuture<'static, u64>) -> StoreFuture<'_, u64> {
        Box::pin(async move {
            let freed = call.await?;
            if freed > 0 {
                self.0.prepared.heads.forget();
                self.0.prepared.hints.tell(Hint::due);
            }
            Ok(freed)
        })
    }

    fn read_only<T: Send + 'static>(
        &self,
        doing: &'static str,
        work: impl Fn() -> Work<T> + Send + 'static,
    ) -> StoreFuture<'_, T> {
        self.repeatable(doing, |prepared| &prepared.work, work)
    }

    /// A call that may be made twice, and is when it fails: its connection may have broken while nobody
    /// used it, as all do when a server restarts.
    fn repeatable<T: Send + 'static>(
        &self,
        doing: &'static str,
        pool: fn(&Prepared) -> &Pool,
        work: impl Fn() -> Work<T> + Send + 'static,
    ) -> StoreFuture<'_, T> {
        Box::pin(async move {
            match self.call(doing, pool, work()).await {
                Err(error) if error.is_transient() => {
                    pool(&self.0.prepared).forget_idle();
                    self.0.prepared.hints.note_break();
                    self.call(doing, pool, work()).await
                }
                done => done,
            }
        })
    }
}

pub(super) async fn joined<T>(task: JoinHandle<T>) -> Result<T, StoreError> {
    task.await.map_err(|error| {
        let kind = if error.is_panic() {
            StoreErrorKind::Internal
        } else {
            StoreErrorKind::Unavailable
        };
        StoreError::new(kind, "a database call did not end").with_source(error)
    })
}

impl Store for PostgresStore {
    fn commit<'a>(&'a self, batch: &'a Batch) -> StoreFuture<'a, BatchOutcome> {
        let parts = batch.clone();
        let hints = Arc::clone(&self.0.prepared.hints);
        let writing = self.write(
            "write a batch",
            Box::new(move |c| Box::pin(async move { batch::write(c, parts, &hints).await })),
        );
        Box::pin(async move {
            let written = self.unless_it_fails(writing).await.flatten();
            self.note_releases(batch);
            match written {
                Err(error) if error.kind() == StoreErrorKind::Locked => {
                    Err(error.with_locked(self.locked(batch).await?))
                }
                done => done,
            }
        })
    }

    fn settle(&self, batch: BatchId) -> StoreFuture<'_, bool> {
        self.write(
            "settle a batch",
            Box::new(move |c| Box::pin(batch::settle(c, batch))),
        )
    }

    fn claim(&self, claim: Claim) -> StoreFuture<'_, Claimed> {
        let heads = Arc::clone(&self.0.prepared.heads);
        let claiming = self.write(
            "claim runs",
            Box::new(move |c| Box::pin(async move { claim::claim(c, &heads, &claim).await })),
        );
        self.unless_it_fails(claiming)
    }

    fn claim_run(
        &self,
        worker: WorkerId,
        now: Timestamp,
        run: RunKey,
    ) -> StoreFuture<'_, Option<LoadedRun>> {
        let claim = Claim::new(worker, now, 1);
        self.write(
            "claim a run",
            Box::new(move |c| Box::pin(async move { claim::claim_run(c, &claim, run).await })),
        )
    }

    fn register_worker(&self, worker: NewWorker) -> StoreFuture<'_, WorkerId> {
        if self.0.prepared.purpose == Purpose::Ask {
            return Box::pin(async { Err(StoreError::for_clients("PostgresStore")) });
        }
        let hints = Arc::clone(&self.0.prepared.hints);
        let presence = Arc::clone(&self.0.prepared.presence);
        let heads = Arc::clone(&self.0.prepared.heads);
        self.keep_lease(
            "register a worker",
            Box::new(move |c| {
                Box::pin(async move {
                    let proof = presence.proof();
                    let worker = worker::register(c, worker, proof).await?;
                    presence.add(c, worker, proof).await?;
                    hints.note_workers(worker::pulse(c).await?.workers);
                    hints.greet();
                    heads.forget();
                    presence.look();
                    Ok(worker)
                })
            }),
        )
    }

    fn renew_lease(&self, worker: WorkerId, lease_until: Timestamp) -> StoreFuture<'_, bool> {
        let presence = Arc::clone(&self.0.prepared.presence);
        Box::pin(async move {
            let renewing = self.repeatable(
                "renew a lease",
                |prepared| &prepared.leases,
                move || {
                    let presence = Arc::clone(&presence);
                    Box::new(move |c| {
                        Box::pin(async move {
                            worker::renew(c, worker, lease_until, presence.proof()).await
                        })
                    })
                },
            );
            let Some(pulse) = renewing.await? else {
                return Ok(false);
            };
            self.0.prepared.clock.correct(pulse.reading);
            self.0.prepared.hints.note_workers(pulse.workers);
            Ok(true)
        })
    }

    fn release_strays<'a>(
        &'a self,
        worker: WorkerId,
        residents: &'a [RunKey],
    ) -> StoreFuture<'a, u64> {
        let residents = residents.to_vec();
        self.freeing(self.write(
            "release strays",
            Box::new(move |c| Box::pin(worker::release_strays(c, worker, residents))),
        ))
    }

    fn retire_worker(&self, worker: WorkerId) -> StoreFuture<'_, u64> {
        let hints = Arc::clone(&self.0.prepared.hints);
        let heads = Arc::clone(&self.0.prepared.heads);
        self.keep_lease(
            "retire a worker",
            Box::new(move |c| {
                Box::pin(async move {
                    let freed = worker::retire(c, worker).await?;
                    // What only it could drive is anybody's now.
                    heads.forget();
                    if freed > 0 {
                        // This process may end before a hint of the usual kind is sent.
                        hints.tell_at_once(c, Hint::due()).await?;
                    }
                    Ok(freed)
                })
            }),
        )
    }

    fn leases(&self) -> StoreFuture<'_, Vec<(WorkerId, Timestamp)>> {
        self.keep_lease(
            "look at the leases",
            Box::new(|c| Box::pin(worker::leases(c))),
        )
    }

    fn end_leases<'a>(&'a self, leases: &'a [(WorkerId, Timestamp)]) -> StoreFuture<'a, ()> {
        let leases = leases.to_vec();
        self.keep_lease(
            "end leases",
            Box::new(move |c| Box::pin(worker::end_leases(c, leases))),
        )
    }

    fn reap(&self, now: Timestamp) -> StoreFuture<'_, u64> {
        let owners = Arc::clone(&self.0.prepared.owners);
        self.freeing(self.keep_lease(
            "reap workers",
            Box::new(move |c| Box::pin(async move { worker::reap(c, &owners, now).await })),
        ))
    }

    fn claim_parked(&self, claim: Claim) -> StoreFuture<'_, Vec<LoadedRun>> {
        self.write(
            "claim parked runs",
            Box::new(move |c| Box::pin(async move { claim::claim_parked(c, &claim).await })),
        )
    }

    fn find<'a>(&'a self, id: &'a RunId) -> StoreFuture<'a, Option<RunRecord>> {
        let id = id.clone();
        self.read_only("find a run", move || {
            let id = id.clone();
            Box::new(move |c| Box::pin(read::find(c, id)))
        })
    }

    fn read(&self, run: RunKey) -> StoreFuture<'_, Option<RunRecord>> {
        self.read_only("read a run", move || {
            Box::new(move |c| Box::pin(read::read(c, run)))
        })
    }

    fn owned(&self, worker: WorkerId) -> StoreFuture<'_, Option<Vec<Owned>>> {
        self.read_only("look which runs are owned", move || {
            Box::new(move |c| Box::pin(read::owned(c, worker)))
        })
    }

    fn unread(&self, worker: WorkerId) -> StoreFuture<'_, Vec<RunKey>> {
        self.read_only("look for mail", move || {
            Box::new(move |c| Box::pin(read::unread(c, worker)))
        })
    }

    fn mailbox(&self, run: RunKey) -> StoreFuture<'_, Vec<Mail>> {
        self.read_only("read a mailbox", move || {
            Box::new(move |c| Box::pin(read::mailbox(c, run)))
        })
    }

    fn mailboxes<'a>(
        &'a self,
        runs: &'a [(RunKey, MailId)],
        limit: usize,
    ) -> StoreFuture<'a, Vec<(RunKey, Result<Mail, StoreError>)>> {
        let runs = runs.to_vec();
        Box::pin(async move {
            let found = self.read_only("read mailboxes", move || {
                let runs = runs.clone();
                Box::new(move |c| Box::pin(read::mailboxes(c, runs, limit)))
            });
            let address = &self.0.prepared.address;
            let described = |(run, mail): (RunKey, Result<Mail, sqlx::Error>)| {
                let mail = mail.map_err(|error| describe("read a mailbox", address, error.into()));
                (run, mail)
            };
            Ok(found.await?.into_iter().map(described).collect())
        })
    }

    fn history(&self, run: RunKey) -> StoreFuture<'_, Vec<Event>> {
        self.read_only("read a journal", move || {
            Box::new(move |c| Box::pin(read::history(c, run)))
        })
    }

    fn children(&self, run: RunKey) -> StoreFuture<'_, Vec<RunRecord>> {
        self.read_only("read the children of a run", move || {
            Box::new(move |c| Box::pin(read::children(c, run)))
        })
    }

    fn some_children(&self, run: RunKey, after: RunKey, limit: usize) -> StoreFuture<'_, Children> {
        self.read_only("read the children of a run", move || {
            Box::new(move |c| Box::pin(read::some_children(c, run, after, limit)))
        })
    }

    fn list<'a>(&'a self, query: &'a RunQuery) -> StoreFuture<'a, RunPage> {
        let query = query.clone();
        self.read_only("list runs", move || {
            let query = query.clone();
            Box::new(move |c| Box::pin(read::list(c, query)))
        })
    }

    fn clock(&self) -> Option<Arc<dyn Clock>> {
        Some(Arc::clone(&self.0.prepared.clock) as _)
    }

    fn hint(&self) -> Pin<Box<dyn Future<Output = Hint> + Send + '_>> {
        Box::pin(async move {
            let hint = self.0.prepared.hints.next().await;
            if hint.missed {
                // The database may be another one.
                self.forget();
            }
            if hint.due {
                self.0.prepared.heads.note_told();
            }
            hint
        })
    }

    fn is_hinted(&self) -> bool {
        self.0.prepared.hints.is_listening()
    }

    fn runtime(&self) -> Option<Handle> {
        Some(self.0.thread.handle())
    }

    fn close(&self) -> StoreFuture<'_, ()> {
        let shared = Arc::clone(&self.0);
        Box::pin(async move {
            let task = Arc::clone(&shared);
            let closing = shared.thread.spawn(async move {
                for upkeep in &task.prepared.upkeep {
                    upkeep.abort();
                }
                task.prepared.work.close().await;
                task.prepared.leases.close().await;
            });
            joined(closing).await
        })
    }
}
