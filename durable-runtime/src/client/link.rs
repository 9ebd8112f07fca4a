//! What a client stands on: the engine of its process, or a database alone.
//!
//! The rest of the client asks a [`Link`], and does not know which of the two it is. Behind both is a
//! dispatcher, which gathers what is asked, repeats what failed, and hears of what others have done; that
//! of a database alone drives nothing.

use std::{
    fmt,
    hash::{BuildHasher, Hasher, RandomState},
    sync::Arc,
};

use tokio::sync::{mpsc, oneshot};

use crate::{
    error::{Error, ErrorKind},
    journal::{RunKey, StepId, Timestamp, WorkerId},
    limits::Limits,
    registry::{Definition, Registry},
    store::{MailOutcome, NewMail, NewRun, StartOutcome, Store},
    worker::{Request, Shared, WorkerThread},
};

/// What a client stands on. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Link {
    pub(super) shared: Arc<Shared>,
    /// What writes, where no engine does: it ends, and lets go of the database, with the last clone.
    own: Option<Arc<WorkerThread>>,
}

impl Link {
    /// A link to the engine of this process.
    pub(crate) fn to_engine(shared: Arc<Shared>) -> Self {
        Self { shared, own: None }
    }

    /// A link to a database alone.
    pub(super) fn to_database(
        store: Arc<dyn Store>,
        registry: Registry,
        limits: Limits,
    ) -> Result<Self, Error> {
        let (sender, requests) = mpsc::unbounded_channel();
        let number = WorkerId::of_client(draw());
        let shared = Shared::of_client(store, registry, limits, sender, number);
        let own = WorkerThread::spawn(Arc::clone(&shared), requests).map_err(|error| {
            let message = format!("the client's thread cannot be started: {error}");
            Error::new(ErrorKind::Store, message)
        })?;
        Ok(Self {
            shared,
            own: Some(Arc::new(own)),
        })
    }

    /// The database, to be read.
    pub(super) fn store(&self) -> &dyn Store {
        &*self.shared.store
    }

    /// Whether the link is to a database alone.
    pub(super) fn is_alone(&self) -> bool {
        self.own.is_some()
    }

    pub(super) fn now(&self) -> Timestamp {
        self.shared.clock.now()
    }

    pub(super) fn limits(&self) -> &Limits {
        &self.shared.limits
    }

    /// What is known of a workflow, by a name that it has or had.
    pub(super) fn definition(&self, workflow: &str) -> Option<&'static Definition> {
        self.shared.registry.find(workflow)
    }

    /// The same, for a workflow that is to be started: an engine starts only what it can drive, and a
    /// client that has a database alone whatever others can.
    pub(super) fn startable(&self, workflow: &str) -> Result<Option<&'static Definition>, Error> {
        match self.definition(workflow) {
            None if !self.is_alone() => Err(Error::new(
                ErrorKind::UnknownWorkflow,
                self.shared.registry.unknown(workflow),
            )),
            known => Ok(known),
        }
    }

    /// Starts a run: here if there is room, or else whoever has claims it.
    pub(super) async fn start(&self, mut run: NewRun) -> Result<StartOutcome, Error> {
        run.owner = self.shared.owner_for_start();
        let (reply, answer) = oneshot::channel();
        self.ask(Request::Start { run, reply })?;
        Ok(self.answered(answer).await?.outcome?)
    }

    /// Sends mail.
    pub(super) async fn send(&self, mail: NewMail) -> Result<MailOutcome, Error> {
        let (reply, answer) = oneshot::channel();
        self.ask(Request::Mail { mail, reply })?;
        Ok(self.answered(answer).await??)
    }

    /// The attempts that are in flight in this process; those elsewhere are not known.
    pub(super) async fn attempts(&self, run: RunKey) -> Vec<(StepId, u32)> {
        self.shared.attempts(run).await
    }

    /// Why the database fails at the moment, if it does.
    pub(super) fn trouble(&self) -> Option<String> {
        self.shared.trouble.borrow().clone()
    }

    async fn answered<T>(&self, answer: oneshot::Receiver<T>) -> Result<T, Error> {
        match answer.await {
            Ok(answer) => Ok(answer),
            Err(_) => Err(self.shared.unanswered().await),
        }
    }

    fn ask(&self, request: Request) -> Result<(), Error> {
        if self.shared.is_stopping() || !self.shared.request(request) {
            return Err(self.shared.ended());
        }
        Ok(())
    }
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Link").finish_non_exhaustive()
    }
}

/// A number that nobody can foresee, and nobody draws twice: from the keys that `std` gives each hash map.
pub(super) fn draw() -> u64 {
    RandomState::new().build_hasher().finish()
}
