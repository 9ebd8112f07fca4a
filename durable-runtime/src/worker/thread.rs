//! The thread that store I/O, timers and heartbeats run on: the store's, if it has one. And how the work
//! there ends.

use std::{
    io,
    pin::pin,
    sync::{Arc, Weak},
    thread,
    time::Duration,
};

use tokio::{
    runtime,
    sync::{mpsc, oneshot, watch},
    task::JoinError,
    time::timeout,
};

use super::{
    Request, Shared,
    dispatcher::Dispatcher,
    life::{End, Life},
};
use crate::{error::Error, journal::RunId, observe};

/// How long signing off may take at least, when the steps have used up the grace, and closing the
/// database.
const SIGN_OFF: Duration = Duration::from_secs(1);

/// A running dispatcher. Dropping it tells it to stop without waiting.
#[derive(Debug)]
pub(crate) struct WorkerThread {
    shared: Arc<Shared>,
    /// How it ended.
    ended: Option<oneshot::Receiver<Result<(), Error>>>,
}

impl WorkerThread {
    /// Starts the thread.
    pub(crate) fn spawn(
        shared: Arc<Shared>,
        requests: mpsc::UnboundedReceiver<Request>,
    ) -> io::Result<Self> {
        let (told, ended) = oneshot::channel();
        let work = live(Arc::clone(&shared), requests, told);
        match shared.store.runtime() {
            Some(runtime) => drop(runtime.spawn(work)),
            None => {
                let runtime = runtime::Builder::new_current_thread()
                    .enable_all()
                    .build()?;
                thread::Builder::new()
                    .name("durable-worker".to_owned())
                    .spawn(move || runtime.block_on(work))?;
            }
        }
        let alarm = Alarm(Arc::downgrade(&shared));
        let life = shared.life.subscribe();
        drop(shared.runtime.spawn(alarm.stand_by(life)));
        Ok(Self {
            shared,
            ended: Some(ended),
        })
    }

    /// Shuts down in good order, within the grace.
    pub(crate) async fn shut_down(mut self) -> Result<(), Error> {
        self.shared.begin_shutdown();
        self.shared.request(Request::Shutdown);
        match self.ended.take() {
            // An error means that the thread has ended, for whatever reason.
            Some(ended) => ended.await.unwrap_or_else(|_| Err(self.shared.ended())),
            None => Ok(()),
        }
    }
}

impl Drop for WorkerThread {
    fn drop(&mut self) {
        self.shared.end(End::Dropped);
    }
}

/// A task on the runtime of user code: when the runtime ends, so does the task, and the engine hears of
/// it. What is spawned there later would vanish without a word.
struct Alarm(Weak<Shared>);

impl Alarm {
    async fn stand_by(self, mut life: watch::Receiver<Life>) {
        // An error means that the engine is gone.
        drop(life.wait_for(|life| matches!(life, Life::Ended(_))).await);
    }
}

impl Drop for Alarm {
    fn drop(&mut self) {
        if let Some(shared) = self.0.upgrade() {
            shared.end(End::RuntimeGone);
        }
    }
}

/// The life of a dispatcher: it works until it has shut down, or is cut off, and then what it had is given
/// back.
async fn live(
    shared: Arc<Shared>,
    requests: mpsc::UnboundedReceiver<Request>,
    told: oneshot::Sender<Result<(), Error>>,
) {
    let mut life = shared.life.subscribe();
    // A task: it can be cut off wherever it is, and its panic is told.
    let mut work = tokio::spawn(Dispatcher::new(Arc::clone(&shared), requests).run());
    let end = tokio::select! {
        biased;
        end = told_to_end(&shared, &mut life) => {
            work.abort();
            // However it ends: it is told to.
            let _ = (&mut work).await;
            end
        }
        done = &mut work => done.map_or_else(|error| broken(&error), |()| End::ShutDown),
    };
    let held = shared.residents.ids();
    let by = shared.stops_by();
    shared.end(end.clone());
    let left = by.saturating_sub(shared.steady.now()).max(SIGN_OFF);
    let signed_off = match end {
        End::ShutDown | End::RuntimeGone => timeout(left, retire(&shared)).await.is_ok(),
        // Like a crash: what the worker died of may be one of its runs.
        End::Dropped | End::Broken(_) => false,
    };
    let lease_until = (!signed_off).then(|| shared.wall(shared.lease.until()));
    shared.pace.leave(lease_until);
    let result = match end {
        End::Broken(_) => Err(shared.ended()),
        _ if signed_off => Ok(()),
        _ => not_given_back(&shared, &held),
    };
    // A transaction under way ends, and the database is let go of, whatever handles live.
    let mut closing = pin!(close(&shared));
    let is_closed = timeout(SIGN_OFF, &mut closing).await.is_ok();
    // Whoever asked may have gone away.
    let _ = told.send(result);
    if !is_closed {
        closing.await;
    }
}

/// Resolves when the engine is told to end, or has had its grace.
async fn told_to_end(shared: &Shared, life: &mut watch::Receiver<Life>) -> End {
    loop {
        let now = life.borrow_and_update().clone();
        let left = match now {
            Life::Running => Duration::MAX,
            Life::Stopping { by } => by.saturating_sub(shared.steady.now()),
            Life::Ended(end) => return end,
        };
        tokio::select! {
            biased;
            changed = life.changed() => if changed.is_err() {
                return End::Dropped;
            },
            () = shared.steady.sleep(left), if left < Duration::MAX => return End::ShutDown,
        }
    }
}

fn broken(error: &JoinError) -> End {
    // The message went to the panic hook, too.
    End::Broken(error.to_string())
}

/// Gives back the worker's runs.
async fn retire(shared: &Shared) {
    loop {
        match shared.store.retire_worker(shared.worker()).await {
            Ok(_) => return observe::worker::stopped(shared.worker()),
            Err(error) => {
                observe::worker::not_signed_off(shared.worker(), &error);
                shared.trouble.send_replace(Some(error.to_string()));
            }
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

async fn close(shared: &Shared) {
    if let Err(error) = shared.store.close().await {
        observe::worker::not_closed(&error);
    }
}

fn not_given_back(shared: &Shared, runs: &[RunId]) -> Result<(), Error> {
    if runs.is_empty() {
        // The lease runs out by itself.
        return Ok(());
    }
    let trouble = shared.trouble.borrow().clone();
    let tuning = &shared.tuning;
    Err(Error::not_given_back(
        runs,
        trouble.as_deref(),
        tuning.shutdown_grace,
        tuning.lease,
    ))
}
