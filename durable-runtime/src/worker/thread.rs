//! The thread that store I/O, timers and heartbeats run on: the store's, if it has one. And how the work
//! there ends.

use std::{
    io,
    pin::{Pin, pin},
    sync::{
        Arc, Mutex, PoisonError, Weak,
        mpsc::{Receiver, Sender, channel},
    },
    thread,
    time::Duration,
};

use tokio::{
    runtime,
    sync::{mpsc, oneshot, watch},
    task::JoinError,
    time::Sleep,
};

use super::{
    Request, Shared,
    dispatcher::Dispatcher,
    life::{End, Life},
};
use crate::{context::panic_message, error::Error, journal::RunId, observe};

/// How long signing off and closing the database may take at least, when the steps have used up the grace.
const SIGN_OFF: Duration = Duration::from_secs(1);

/// A running dispatcher. Dropping it stops it, and waits a moment until the database is let go of.
#[derive(Debug)]
pub(crate) struct WorkerThread {
    shared: Arc<Shared>,
    /// How it ended.
    ended: Option<oneshot::Receiver<Result<(), Error>>>,
    /// Closed when it has let go of the database; for a thread that belongs to the store, never waited
    /// for.
    gone: Mutex<Option<Receiver<()>>>,
}

impl WorkerThread {
    /// Starts the thread.
    pub(crate) fn spawn(
        shared: Arc<Shared>,
        requests: mpsc::UnboundedReceiver<Request>,
    ) -> io::Result<Self> {
        let (told, ended) = oneshot::channel();
        let (here, gone) = channel();
        let work = live(Arc::clone(&shared), requests, told, here);
        let name = match shared.drives() {
            true => "durable-worker",
            false => "durable-client",
        };
        let gone = match shared.store.runtime() {
            Some(runtime) => {
                drop(runtime.spawn(work));
                None
            }
            None => {
                let runtime = runtime::Builder::new_current_thread()
                    .enable_all()
                    .build()?;
                thread::Builder::new()
                    .name(name.to_owned())
                    .spawn(move || runtime.block_on(work))?;
                Some(gone)
            }
        };
        if shared.drives() {
            let alarm = Alarm(Arc::downgrade(&shared));
            let life = shared.life.subscribe();
            drop(shared.runtime.spawn(alarm.stand_by(life)));
        }
        Ok(Self {
            shared,
            ended: Some(ended),
            gone: Mutex::new(gone),
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
        let gone = self.gone.get_mut().unwrap_or_else(PoisonError::into_inner);
        if let Some(gone) = gone {
            // Whoever opens the database next finds it free. An error is what the end looks like.
            let _ = gone.recv_timeout(SIGN_OFF);
        }
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
    here: Sender<()>,
) {
    let mut life = shared.life.subscribe();
    let dispatcher = Dispatcher::new(Arc::clone(&shared), requests);
    // A task: it can be cut off wherever it is, and its panic is told.
    let mut work = match shared.drives() {
        true => tokio::spawn(dispatcher.run()),
        false => tokio::spawn(dispatcher.serve()),
    };
    let end = tokio::select! {
        biased;
        end = told_to_end(&shared, &mut life) => {
            work.abort();
            // However it ends: it is told to.
            let _ = (&mut work).await;
            end
        }
        done = &mut work => done.map_or_else(broken, |()| End::ShutDown),
    };
    let held = shared.residents.ids();
    let by = shared.stops_by();
    shared.end(end.clone());
    let left = match held.is_empty() {
        true => SIGN_OFF,
        false => by.saturating_sub(shared.steady.now()).max(SIGN_OFF),
    };
    let mut over = pin!(tokio::time::sleep(left));
    let signed_off = match end {
        _ if !shared.drives() => false,
        End::ShutDown | End::RuntimeGone => before(&mut over, retire(&shared)).await,
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
    let is_closed = before(&mut over, &mut closing).await;
    // Whoever asked may have gone away.
    let _ = told.send(result);
    if !is_closed {
        closing.await;
    }
    drop(here);
}

/// Does something until it is done or the time is over; gives which it was.
async fn before(over: &mut Pin<&mut Sleep>, work: impl Future<Output = ()>) -> bool {
    tokio::select! {
        biased;
        () = work => true,
        () = over => false,
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

fn broken(error: JoinError) -> End {
    let panic = error.try_into_panic();
    End::Broken(panic.map_or_else(
        |error| error.to_string(),
        |panic| panic_message(&*panic).to_owned(),
    ))
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
