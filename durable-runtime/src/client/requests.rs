//! The client of an engine.

use std::{
    fmt,
    hash::{BuildHasher, Hasher, RandomState},
    sync::Arc,
};

use serde::Serialize;
use tokio::sync::oneshot;

use super::{Run, Snapshot};
use crate::{
    context::{Data, Workflow},
    error::{Error, ErrorKind},
    graph::Definition,
    journal::{Payload, RunId, RunKey, Timestamp},
    limits::check_payload,
    status::Status,
    store::{
        MailKind, MailOutcome, MailTarget, NewMail, NewRun, RunQuery, RunRecord, StartOutcome,
    },
    worker::{Request, Shared},
};

/// Starts runs and reaches them. Cheap to clone.
///
/// No method is harmed by dropping its future: what was asked may still happen, and asking again with
/// the same run id is safe.
#[derive(Clone)]
pub struct Client {
    shared: Arc<Shared>,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").finish_non_exhaustive()
    }
}

impl Client {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    pub(super) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// Starts a run, and returns when it is durable. A run that exists with the same id, workflow and
    /// input is attached to instead, whatever its status.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidRunId`], [`ErrorKind::PayloadTooLarge`], [`ErrorKind::InvalidPayload`];
    /// [`ErrorKind::Conflict`] when the id belongs to a run of another workflow or with another
    /// input; [`ErrorKind::UnknownWorkflow`] when the workflow is not registered.
    pub async fn start<W: Workflow>(
        &self,
        id: impl AsRef<str>,
        input: W::Input,
    ) -> Result<Run<W>, Error> {
        let id = RunId::new(id)?;
        let input = input.__encode()?;
        let run = self.start_encoded(&id, W::NAME, input).await?;
        Ok(Run::new(self.clone(), id, run))
    }

    /// Starts a run of the workflow with this name, with input as JSON text. For callers that do not
    /// have the workflow's type: command lines, HTTP.
    ///
    /// # Errors
    ///
    /// As [`start`](Self::start), and [`ErrorKind::InvalidPayload`] when the text is not JSON or not
    /// what the workflow takes.
    pub async fn start_by_name(
        &self,
        workflow: &str,
        id: impl AsRef<str>,
        input: &str,
    ) -> Result<Run<()>, Error> {
        let id = RunId::new(id)?;
        let definition = self.definition(workflow)?;
        let input = Payload::from_bytes(input.as_bytes());
        (definition.check_input)(&input).map_err(|error| {
            let message =
                format!("input of run `{id}` does not fit workflow `{workflow}`: {error}");
            Error::new(ErrorKind::InvalidPayload, message)
        })?;
        let run = self.start_encoded(&id, workflow, input).await?;
        Ok(Run::new(self.clone(), id, run))
    }

    fn definition(&self, workflow: &str) -> Result<&'static Definition, Error> {
        let registry = &self.shared.registry;
        registry
            .find(workflow)
            .ok_or_else(|| Error::new(ErrorKind::UnknownWorkflow, registry.unknown(workflow)))
    }

    async fn start_encoded(
        &self,
        id: &RunId,
        workflow: &str,
        input: Payload,
    ) -> Result<RunKey, Error> {
        let definition = self.definition(workflow)?;
        self.check_size(&input, &format!("the input of run `{id}`"))?;
        let run = NewRun {
            id: id.clone(),
            workflow: definition.name.to_owned(),
            input: input.clone(),
            seed: random_seed(),
            at: self.shared.clock.now(),
            parent: None,
            owner: self.shared.owner_for_start(),
        };
        let (reply, answer) = oneshot::channel();
        self.ask(Request::Start { run, reply })?;
        let reply = answer.await.map_err(|_| Error::shut_down())?;
        match reply.outcome {
            StartOutcome::Created { run } => Ok(run),
            StartOutcome::Exists {
                run,
                workflow: other,
                input: recorded,
                ..
            } => {
                if definition.has_name(&other) && recorded == input {
                    return Ok(run);
                }
                Err(conflict(id, definition.name, &other))
            }
        }
    }

    /// A handle of an existing run, with the types of workflow `W`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::UnknownRun`]; [`ErrorKind::Conflict`] when the run is of another workflow.
    pub async fn attach<W: Workflow>(&self, id: impl AsRef<str>) -> Result<Run<W>, Error> {
        let record = self.record(id.as_ref()).await?;
        if record.workflow != W::NAME && !W::GRAPH.was.contains(&&*record.workflow) {
            return Err(conflict(&record.id, W::NAME, &record.workflow));
        }
        Ok(Run::new(self.clone(), record.id, record.run))
    }

    /// A handle of an existing run whose workflow's type the caller does not have.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::UnknownRun`].
    pub async fn attach_by_id(&self, id: impl AsRef<str>) -> Result<Run<()>, Error> {
        let record = self.record(id.as_ref()).await?;
        Ok(Run::new(self.clone(), record.id, record.run))
    }

    /// Sends a signal by name, with its payload as JSON text. Returns when it is durable.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::UnknownRun`], [`ErrorKind::Ended`], [`ErrorKind::PayloadTooLarge`];
    /// [`ErrorKind::InvalidPayload`] when the text is not JSON; [`ErrorKind::UnknownSignal`] when the
    /// run's workflow is registered here and waits for no such signal.
    pub async fn signal_by_name(
        &self,
        id: impl AsRef<str>,
        signal: &str,
        payload: &str,
    ) -> Result<(), Error> {
        let record = self.record(id.as_ref()).await?;
        self.check_signal(&record, signal)?;
        let payload = Payload::from_bytes(payload.as_bytes());
        payload.decode::<serde::de::IgnoredAny>()?;
        self.send_signal(&record.id, signal, payload).await
    }

    fn check_signal(&self, record: &RunRecord, signal: &str) -> Result<(), Error> {
        let Some(definition) = self.shared.registry.find(&record.workflow) else {
            return Ok(());
        };
        let signals: Vec<_> = definition
            .graph()
            .paths()
            .into_iter()
            .filter(|(_, operation)| {
                matches!(operation.kind, crate::graph::OperationKind::Signal { .. })
            })
            .map(|(path, _)| path)
            .collect();
        let present = definition.present_signal(signal.to_owned());
        if signals.contains(&present) {
            return Ok(());
        }
        let known = if signals.is_empty() {
            "none".to_owned()
        } else {
            signals.join("`, `")
        };
        let message = format!(
            "workflow `{}` of run `{}` waits for no signal `{signal}`; its signals: `{known}`",
            record.workflow, record.id
        );
        Err(Error::new(ErrorKind::UnknownSignal, message))
    }

    pub(super) async fn send_signal(
        &self,
        id: &RunId,
        name: &str,
        payload: Payload,
    ) -> Result<(), Error> {
        self.check_size(&payload, &format!("signal `{name}` to run `{id}`"))?;
        let kind = MailKind::Signal {
            name: name.to_owned(),
            payload,
        };
        self.send(id, kind, "signaled").await
    }

    /// Asks for a run to be canceled: its running step is told, its completed steps are compensated,
    /// its children are canceled too. Returns when the request is durable; [`Run::result`] tells when
    /// it is done. A run that is already being rolled back goes on doing so.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::UnknownRun`]; [`ErrorKind::Ended`] when the run has ended.
    pub async fn cancel(&self, id: impl AsRef<str>) -> Result<(), Error> {
        self.send(
            &RunId::from_recorded(id.as_ref()),
            MailKind::Cancel,
            "canceled",
        )
        .await
    }

    async fn send(&self, id: &RunId, kind: MailKind, verb: &str) -> Result<(), Error> {
        let mail = NewMail {
            to: MailTarget::Id(id.clone()),
            kind,
            at: self.shared.clock.now(),
        };
        let (reply, answer) = oneshot::channel();
        self.ask(Request::Mail { mail, reply })?;
        match answer.await.map_err(|_| Error::shut_down())? {
            MailOutcome::Delivered(_) => Ok(()),
            MailOutcome::UnknownRun => Err(unknown_run(id.as_str())),
            MailOutcome::Ended(status) => Err(Error::new(
                ErrorKind::Ended,
                format!("run `{id}` is {status} and cannot be {verb}"),
            )),
        }
    }

    /// What a run is doing, with its results so far and its children.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::UnknownRun`].
    pub async fn status(&self, id: impl AsRef<str>) -> Result<Snapshot, Error> {
        let record = self.record(id.as_ref()).await?;
        Snapshot::read(&self.shared, record).await
    }

    /// A run's journal, in order.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::UnknownRun`].
    pub async fn history(&self, id: impl AsRef<str>) -> Result<Vec<crate::journal::Event>, Error> {
        let record = self.record(id.as_ref()).await?;
        Ok(self.shared.store.history(record.run).await?)
    }

    /// A listing of runs, newest first.
    pub fn list(&self) -> RunList {
        RunList {
            shared: Arc::clone(&self.shared),
            query: RunQuery {
                limit: 50,
                ..RunQuery::default()
            },
        }
    }

    /// Why the database cannot be written at the moment; `None` while all is well. The engine goes on
    /// trying, and no run fails because of it.
    pub fn trouble(&self) -> Option<String> {
        self.shared.trouble.borrow().clone()
    }

    async fn record(&self, id: &str) -> Result<RunRecord, Error> {
        let found = self.shared.store.find(&RunId::from_recorded(id)).await?;
        found.ok_or_else(|| unknown_run(id))
    }

    fn ask(&self, request: Request) -> Result<(), Error> {
        if self.shared.is_stopping() || !self.shared.request(request) {
            return Err(Error::shut_down());
        }
        Ok(())
    }

    fn check_size(&self, payload: &Payload, what: &str) -> Result<(), Error> {
        check_payload(payload, self.shared.limits.payload_bytes_max, what)
            .map_err(|message| Error::new(ErrorKind::PayloadTooLarge, message))
    }
}

fn conflict(id: &RunId, workflow: &str, recorded: &str) -> Error {
    let message = if workflow == recorded {
        format!(
            "run `{id}` of workflow `{workflow}` exists with another input; use another id, or start \
             it with the same input to attach to it"
        )
    } else {
        format!("run `{id}` is of workflow `{recorded}`, not of `{workflow}`; use another id")
    };
    Error::new(ErrorKind::Conflict, message)
}

fn unknown_run(id: &str) -> Error {
    Error::new(
        ErrorKind::UnknownRun,
        format!("there is no run with id `{id}`"),
    )
}

/// A seed nobody can foresee, from the keys that `std` gives each hash map.
fn random_seed() -> i64 {
    RandomState::new().build_hasher().finish().cast_signed()
}

/// A listing of runs, built by [`Client::list`].
#[derive(Debug, Clone)]
pub struct RunList {
    shared: Arc<Shared>,
    query: RunQuery,
}

/// A run of a listing.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct ListedRun {
    /// Its id.
    pub id: RunId,
    /// Its workflow.
    pub workflow: String,
    /// Where it stands.
    pub status: Status,
    /// When it was started.
    pub created_at: Timestamp,
    /// When its row last changed.
    pub updated_at: Timestamp,
    /// Why it is parked.
    pub reason: Option<String>,
}

impl RunList {
    /// Only runs in this status; called again, in any of them.
    #[must_use]
    pub fn status(mut self, status: Status) -> Self {
        self.query.statuses.push(status);
        self
    }

    /// Only runs of this workflow, by the name they were recorded under: runs that began before a rename
    /// are listed under the name that the workflow had then.
    #[must_use]
    pub fn workflow(mut self, name: impl Into<String>) -> Self {
        self.query.workflow = Some(name.into());
        self
    }

    /// The most runs of a page, from 1 to 1,000; 50 if not set.
    #[must_use]
    pub fn page_size(mut self, runs: usize) -> Self {
        self.query.limit = runs.clamp(1, 1_000);
        self
    }

    /// Reads the next page; empty when there are no more runs. Pages are stable: a run that is started
    /// meanwhile does not shift them.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Store`] when the database cannot be read.
    pub async fn next_page(&mut self) -> Result<Vec<ListedRun>, Error> {
        if self.query.limit == 0 {
            return Ok(Vec::new());
        }
        let page = self.shared.store.list(&self.query).await?;
        match page.next {
            Some(next) => self.query.before = Some(next),
            // The last page was read: nothing more.
            None => self.query.limit = 0,
        }
        Ok(page
            .runs
            .into_iter()
            .map(|run| ListedRun {
                id: run.id,
                workflow: run.workflow,
                status: run.status,
                created_at: run.created_at,
                updated_at: run.updated_at,
                reason: run.reason,
            })
            .collect())
    }
}
