//! Hints between processes, by `NOTIFY` and `LISTEN`.
//!
//! Nothing rests on them. They are sent after the commit, in a transaction of their own that nobody
//! waits for and that gathers what was to be told meanwhile, so the writing connection never queues for
//! the server's one queue of notifications.

use std::{
    hash::{BuildHasher, RandomState},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use sqlx::{
    PgConnection,
    postgres::{PgListener, PgPoolOptions},
};
use tokio::{
    sync::{Notify, watch},
    time::timeout,
};

use super::{
    address::Servers,
    connect::Pacing,
    open::Purpose,
    payload::{read, write},
    pool::Pool,
    presence::Presence,
    worker,
};
use crate::{observe, store::Hint};

/// The longest pause between two tries to listen; see [`Presence`].
const LONGEST_PAUSE: Duration = Duration::from_millis(500);
/// A listener that hears nothing for so long is opened anew: it may be listening to a dead line.
const SILENCE: Duration = Duration::from_secs(60);

/// What is to be told to other processes, and what they have told.
#[derive(Debug)]
pub(super) struct Hints {
    channel: String,
    /// Tells this store's own notifications from those of others.
    sender: u64,
    /// Whose they are.
    purpose: Purpose,
    /// Whether hints are given at all.
    are_given: bool,
    /// Whether other workers are there, and whether clients listen.
    has_workers: AtomicBool,
    has_clients: AtomicBool,
    is_listening: AtomicBool,
    /// Whether it has been tried to listen.
    has_tried: watch::Sender<bool>,
    outgoing: Letterbox,
    incoming: Letterbox,
}

/// What a listener needs: where to listen, how long an answer may take, and whose presence its connection
/// shows.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) servers: Arc<Servers>,
    pub(super) patience: Duration,
    pub(super) presence: Arc<Presence>,
    pub(super) leases: Arc<Pool>,
}

/// A hint that waits to be taken, and grows meanwhile.
#[derive(Debug, Default)]
struct Letterbox {
    hint: Mutex<Hint>,
    filled: Notify,
}

impl Letterbox {
    fn add(&self, hint: Hint) {
        if hint.is_empty() {
            return;
        }
        let mut waiting = self.hint.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.merge(hint);
        drop(waiting);
        self.filled.notify_one();
    }

    /// Cancel safe: it takes in the last step.
    async fn take(&self) -> Hint {
        loop {
            if let Some(hint) = self.take_now() {
                return hint;
            }
            self.filled.notified().await;
        }
    }

    fn take_now(&self) -> Option<Hint> {
        let mut waiting = self.hint.lock().unwrap_or_else(PoisonError::into_inner);
        let hint = std::mem::take(&mut *waiting);
        (!hint.is_empty()).then_some(hint)
    }
}

impl Hints {
    /// Hints among the stores on one schema of one database.
    pub(super) fn new(schema: &str, purpose: Purpose, are_given: bool) -> Self {
        Self {
            channel: schema.to_owned(),
            sender: RandomState::new().hash_one(schema),
            purpose,
            are_given,
            has_workers: AtomicBool::new(false),
            has_clients: AtomicBool::new(false),
            is_listening: AtomicBool::new(false),
            has_tried: watch::Sender::new(false),
            outgoing: Letterbox::default(),
            incoming: Letterbox::default(),
        }
    }

    /// Remembers whether any other worker is there to be told anything.
    pub(super) fn note_workers(&self, workers: i64) {
        self.has_workers.store(workers > 1, Ordering::Relaxed);
    }

    /// Remembers whether clients listen.
    pub(super) fn note_clients(&self, listen: bool) {
        self.has_clients.store(listen, Ordering::Relaxed);
    }

    /// Whether any other worker is known to be there.
    pub(super) fn has_workers(&self) -> bool {
        self.has_workers.load(Ordering::Relaxed)
    }

    /// Whether there may be somebody to be told. A client does not know whether workers are there.
    fn has_peers(&self) -> bool {
        let is_known = || self.has_workers() || self.has_clients.load(Ordering::Relaxed);
        self.are_given && (self.purpose == Purpose::Ask || is_known())
    }

    /// Tells others that this one is there, so that they begin to tell.
    pub(super) fn greet(&self) {
        if self.are_given {
            self.outgoing.add(Hint::due());
        }
    }

    /// Tells this process that a connection broke: the server may be another one now, which knows less.
    pub(super) fn note_break(&self) {
        self.incoming.add(Hint::missed());
    }

    /// Tells this process and the others that runs have come free.
    pub(super) fn announce_due(&self) {
        self.incoming.add(Hint::due());
        self.tell(Hint::due);
    }

    /// Tells others on a connection at hand, before it returns: for the last words of a process.
    pub(super) async fn tell_at_once(
        &self,
        connection: &mut PgConnection,
        hint: Hint,
    ) -> Result<(), sqlx::Error> {
        if self.has_peers() {
            let payload = write(self.sender, hint);
            notify(connection, self.channel.clone(), payload).await?;
        }
        Ok(())
    }

    /// Tells others, if there are any.
    pub(super) fn tell(&self, hint: impl FnOnce() -> Hint) {
        if self.has_peers() {
            self.outgoing.add(hint());
        }
    }

    /// The next hint of others. Cancel safe.
    pub(super) async fn next(&self) -> Hint {
        self.incoming.take().await
    }

    /// Whether hints come at this moment.
    pub(super) fn is_listening(&self) -> bool {
        self.is_listening.load(Ordering::Relaxed)
    }

    /// Waits until it listens and the presence is proven, or could not be.
    pub(super) async fn has_tried_to_listen(&self) {
        // An error cannot be: the sender is here.
        let _ = self.has_tried.subscribe().wait_for(|tried| *tried).await;
    }

    /// Sends what is to be told, as long as it is polled.
    pub(super) async fn send(self: Arc<Self>, pool: Arc<Pool>) {
        loop {
            let payload = write(self.sender, self.outgoing.take().await);
            let channel = self.channel.clone();
            let sent = pool
                .run(Box::new(move |c| Box::pin(notify(c, channel, payload))))
                .await;
            if let Err(error) = sent {
                observe::worker::database_note(
                    &error,
                    "a hint was not sent; others will look by themselves",
                );
            }
        }
    }

    /// Listens, as long as it is polled.
    pub(super) async fn listen(self: Arc<Self>, line: Line) {
        let mut pacing = Pacing::up_to(LONGEST_PAUSE);
        loop {
            pacing.wait().await;
            pacing.slow_down();
            let heard = self.listen_once(&line, &mut pacing).await;
            self.is_listening.store(false, Ordering::Relaxed);
            self.has_tried.send_replace(true);
            line.presence.withdraw(&line.leases);
            if let Err(error) = heard {
                observe::worker::database_note(
                    &error,
                    "the listener broke; looking by polling meanwhile",
                );
            }
        }
    }

    /// Listens until the line breaks, or is silent for too long.
    async fn listen_once(&self, line: &Line, pacing: &mut Pacing) -> Result<(), sqlx::Error> {
        let patience = line.patience;
        // A pool, because that is what a listener wants; it is gone with the listener.
        let pool = PgPoolOptions::new()
            .max_connections(1)
            .acquire_timeout(patience)
            .connect_lazy_with(line.servers.current().clone());
        let mut listener = PgListener::connect_with(&pool).await?;
        listener.eager_reconnect(false);
        let listening = timeout(patience, listener.listen(&self.channel)).await;
        listening.map_err(|_| sqlx::Error::PoolTimedOut)??;
        *pacing = Pacing::up_to(LONGEST_PAUSE);
        self.is_listening.store(true, Ordering::Relaxed);
        // What was told before is lost.
        self.incoming.add(Hint::missed());
        let appearing = async {
            match self.purpose {
                Purpose::Work => line.presence.prove(&mut listener, &line.leases).await,
                Purpose::Ask => self.appear(&mut listener).await,
            }
        };
        timeout(patience, appearing)
            .await
            .map_err(|_| sqlx::Error::PoolTimedOut)?;
        self.has_tried.send_replace(true);
        while let Ok(heard) = timeout(SILENCE, listener.try_recv()).await {
            let Some(notification) = heard? else {
                return Ok(());
            };
            self.hear(notification.payload());
        }
        Ok(())
    }

    /// Has workers see that a client listens, for as long as the connection lasts, and tells them to look.
    async fn appear(&self, listener: &mut PgListener) {
        let holding = sqlx::query(worker::LISTEN_AS_CLIENT).bind(&self.channel);
        if let Err(error) = holding.execute(listener).await {
            observe::worker::database_note(&error, "workers do not see that this client listens");
        }
        self.greet();
    }

    fn hear(&self, payload: &str) {
        let (sender, hint) = read(payload);
        if sender != Some(self.sender) {
            // Which of the two it is will be seen.
            self.has_workers.store(true, Ordering::Relaxed);
            self.has_clients.store(true, Ordering::Relaxed);
            self.incoming.add(hint);
        }
    }
}

async fn notify(
    connection: &mut PgConnection,
    channel: String,
    payload: String,
) -> Result<(), sqlx::Error> {
    // Nobody waits for a hint to be on the disk.
    sqlx::query("SELECT set_config('synchronous_commit', 'off', TRUE), pg_notify($1, $2)")
        .bind(channel)
        .bind(payload)
        .execute(connection)
        .await?;
    Ok(())
}
