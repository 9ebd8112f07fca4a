//! Whether a worker's process is still there, as the server sees it.
//!
//! The listening connection holds an advisory lock, whose number stands in the row of the worker. A process
//! that dies takes its connections along, so the server lets go of the lock, and others need not wait
//! for the lease. That only ever ends a lease early: the process that is paused or out of reach keeps its
//! connection, and its lease; a server or a pooler that cannot do this changes nothing.
//!
//! A connection breaks without a death, too. So a worker counts as dead when its lock was free for all of
//! [`GRACE`], in the eyes of one whose own connection to the same server held meanwhile. A live one
//! notices at once, because it listens; it says that it is alive, and takes another lock. After a crash
//! or a restart of the server, all come back within the grace; and a lock says nothing about another
//! server. No grace is given to a worker whose process is known to have ended, because it ran on the same
//! machine: a program that crashed and was started again goes on at once.

use std::{
    collections::HashMap,
    hash::{BuildHasher, RandomState},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use sqlx::{PgConnection, Row, postgres::PgListener};
use tokio::{
    sync::Notify,
    time::{Instant, timeout},
};

use super::{error::Fault, notify::Hints, pool::Pool, process, worker};
use crate::{journal::WorkerId, observe};

/// How long a lock must be free before its worker counts as dead. A live worker needs the longest pause
/// between two tries to connect, and the time that connecting takes.
const GRACE: Duration = Duration::from_millis(1_500);
/// How often to look for free locks; and how often when one was found, or this process is new here.
const LOOK: Duration = Duration::from_secs(1);
const LOOK_AGAIN: Duration = Duration::from_millis(250);
/// How often to look whether clients listen.
const LOOK_FOR_CLIENTS: Duration = Duration::from_secs(5);

/// A lock that the server holds for a connection of this process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Proof {
    /// The lock's number, drawn anew for each connection.
    pub(super) lock: i64,
    /// When the server that holds it was started: its name, so to speak.
    pub(super) server: i64,
}

/// A worker whose lock is free.
#[derive(Debug)]
pub(super) struct Lost {
    pub(super) lock: i64,
    /// The name of its process, if it has one.
    pub(super) process: Option<String>,
}

/// What this process shows to others.
#[derive(Debug)]
pub(super) struct Presence {
    schema: String,
    state: Mutex<State>,
    /// Whether locks were seen to work on this server, which may only look like PostgreSQL.
    locks_work: AtomicBool,
    /// There is reason to look at the others now.
    look: Notify,
}

#[derive(Debug, Default)]
struct State {
    workers: Vec<WorkerId>,
    proof: Option<Proof>,
}

impl Presence {
    pub(super) fn new(schema: &str) -> Self {
        Self {
            schema: schema.to_owned(),
            state: Mutex::default(),
            locks_work: AtomicBool::new(false),
            look: Notify::new(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn proof(&self) -> Option<Proof> {
        self.lock().proof
    }

    /// Adds a worker whose row says this; a connection that was made meanwhile does not know of it.
    pub(super) async fn add(
        &self,
        connection: &mut PgConnection,
        worker: WorkerId,
        shown: Option<Proof>,
    ) -> Result<(), sqlx::Error> {
        let newer = {
            let mut state = self.lock();
            state.workers.push(worker);
            state.proof.filter(|_| state.proof != shown)
        };
        if let Some(proof) = newer {
            worker::show(connection, &self.schema, &[worker], proof).await?;
        }
        Ok(())
    }

    /// Takes a lock on the connection that listens, and shows it.
    pub(super) async fn prove(&self, listener: &mut PgListener, leases: &Pool) {
        if let Err(error) = self.try_prove(listener, leases).await {
            observe::worker::database_note(
                &error,
                "this worker's lease alone says that it is alive",
            );
        }
    }

    async fn try_prove(&self, listener: &mut PgListener, leases: &Pool) -> Result<(), Fault> {
        let lock = RandomState::new().hash_one("lock").cast_signed();
        let row = sqlx::query(worker::TAKE_LOCK)
            .bind(lock)
            .fetch_one(&mut *listener)
            .await?;
        let server = row.try_get(1)?;
        let proof = Proof { lock, server };
        if !self.locks_work.load(Ordering::Relaxed) {
            let is_held = leases.run(Box::new(move |c| Box::pin(is_held(c, proof))));
            if !is_held.await? {
                return Ok(());
            }
            self.locks_work.store(true, Ordering::Relaxed);
        }
        let workers = self.begin(proof);
        Ok(worker::show(listener, &self.schema, &workers, proof).await?)
    }

    fn begin(&self, proof: Proof) -> Vec<WorkerId> {
        let mut state = self.lock();
        state.proof = Some(proof);
        state.workers.clone()
    }

    /// The connection has broken: says that the process is alive nevertheless.
    pub(super) fn withdraw(&self, leases: &Arc<Pool>) {
        let Some(proof) = self.lock().proof.take() else {
            return;
        };
        let leases = Arc::clone(leases);
        // It may take its time, and the next connection is not to wait for it.
        tokio::spawn(async move {
            let withdrawing = leases.run(Box::new(move |c| Box::pin(worker::withdraw(c, proof))));
            if let Err(error) = withdrawing.await {
                observe::worker::database_note(&error, "a broken connection could not be reported");
            }
        });
    }

    /// Whether clients listen. Where locks cannot tell, they look by themselves.
    async fn see_clients(&self, leases: &Pool) -> bool {
        let schema = self.schema.clone();
        let looking = leases.run(Box::new(move |c| {
            Box::pin(async move {
                sqlx::query_scalar(worker::CLIENTS_LISTEN)
                    .bind(schema)
                    .fetch_one(c)
                    .await
            })
        }));
        looking.await.unwrap_or(false)
    }

    /// Has the others looked at now: this process may be one that was started again.
    pub(super) fn look(&self) {
        self.look.notify_one();
    }

    /// Buries the workers whose connection has ended, as long as it is polled.
    pub(super) async fn watch(self: Arc<Self>, hints: Arc<Hints>, leases: Arc<Pool>) {
        let mut watch = Watch::default();
        let mut clients_seen: Option<Instant> = None;
        loop {
            // An error means that there was no reason to look sooner.
            let looks_now = timeout(watch.pause(), self.look.notified()).await.is_ok();
            if looks_now || clients_seen.is_none_or(|seen| seen.elapsed() >= LOOK_FOR_CLIENTS) {
                hints.note_clients(self.see_clients(&leases).await);
                clients_seen = Some(Instant::now());
            }
            let Some(proof) = self.proof().filter(|_| hints.has_workers()) else {
                continue;
            };
            let freed = watch.look(proof, &leases).await;
            if freed > 0 {
                observe::worker::freed(freed);
                hints.announce_due();
            }
        }
    }
}

/// What one connected process sees of the other workers.
#[derive(Debug, Default)]
struct Watch {
    /// The own connection: what was seen before it is forgotten with the one before it.
    proof: Option<Proof>,
    since: Option<Instant>,
    /// The locks that are free, and since when.
    free: HashMap<i64, Instant>,
}

impl Watch {
    /// How long not to look.
    fn pause(&self) -> Duration {
        let is_new = self.since.is_some_and(|since| since.elapsed() < LOOK);
        if is_new || !self.free.is_empty() {
            LOOK_AGAIN
        } else {
            LOOK
        }
    }

    /// Gives how many runs have come free.
    async fn look(&mut self, proof: Proof, leases: &Pool) -> u64 {
        if self.proof != Some(proof) {
            *self = Self {
                proof: Some(proof),
                since: Some(Instant::now()),
                ..Self::default()
            };
        }
        let looking = leases.run(Box::new(move |c| Box::pin(worker::lost(c, proof.server))));
        let looked = Instant::now();
        let Ok(lost) = looking.await else {
            // Not seen is not free.
            self.free.clear();
            return 0;
        };
        let before = std::mem::take(&mut self.free);
        let mut dead = Vec::new();
        for Lost { lock, process } in lost {
            let since = before.get(&lock).copied().unwrap_or(looked);
            self.free.insert(lock, since);
            let is_over = looked.duration_since(since) >= GRACE;
            if is_over || process.as_deref().is_some_and(process::has_ended) {
                dead.push(lock);
            }
        }
        if dead.is_empty() {
            return 0;
        }
        let burying = leases.run(Box::new(move |c| {
            Box::pin(worker::bury_lost(c, proof.server, dead))
        }));
        burying.await.unwrap_or_else(|error| {
            observe::worker::database_note(
                &error,
                "a dead worker could not be buried; trying again",
            );
            0
        })
    }
}

/// Whether the lock is one that others notice, on the same server.
async fn is_held(connection: &mut PgConnection, proof: Proof) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar(worker::IS_HELD)
        .bind(proof.lock)
        .bind(proof.server)
        .fetch_one(connection)
        .await
}
