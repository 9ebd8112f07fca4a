//! The client of an engine.

use std::{
    fmt,
    hash::{BuildHasher, Hasher, RandomState},
    sync::Arc,
};

use tokio::sync::oneshot;

use super::{Cancel, Run, RunList, Snapshot, patience::patiently};
use crate::{
    context::{Data, Reread, Workflow},
    error::{Error, ErrorKind},
    journal::{Payload, PayloadError, RunId, RunKey, StepId},
    limits::check_payload,
    registry::Definition,
    store::{MailKind, MailOutcome, MailTarget, NewMail, NewRun, RunRecord, StartOutcome},
    worker::{Request, Sending, Shared},
};

/// Starts runs and reaches them. Cheap to clone.
///
/// No method is harmed by dropping its future: what was asked may still happen, and asking again with
/// the same run id is safe.
///
/// In an outage of the database, what changes something (start, signal, cancel) and what waits
/// ([`Run::result`], [`Run::reaches`]) waits it out; what looks (attach, status, history, list) fails with
/// [`ErrorKind::Store`]. [`trouble`](Self::trouble) says whether there is an outage.
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
    /// [`ErrorKind::InvalidRunId`], [`ErrorKind::PayloadTooLarge`]; [`ErrorKind::InvalidPayload`] when
    /// the input would not be read back as it is, or has no fixed order;
    /// [`ErrorKind::Conflict`] when the id belongs to a run of another workflow or with another
    /// input, compared as values of the present type; [`ErrorKind::UnknownWorkflow`] when the workflow is not registered.
    pub async fn start<W: Workflow>(
        &self,
        id: impl AsRef<str>,
        input: W::Input,
    ) -> Result<Run<W>, Error> {
        let id = RunId::new(id)?;
        let (input, _) = input
            .__record()
            .map_err(|error| unfit(&format!("the input of run `{id}`"), &error))?;
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
        (definition.input)(&input).map_err(|error| {
            unfit(
                &format!("the input of run `{id}` of workflow `{workflow}`"),
                &error,
            )
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
        let reply = self.answered(answer).await?;
        match reply.outcome? {
            StartOutcome::Created { run } => Ok(run),
            StartOutcome::Exists {
                run,
                workflow: other,
                input: recorded,
                ..
            } => {
                if definition.has_name(&other) && is_same(definition.input, &recorded, &input) {
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
    /// [`ErrorKind::UnknownRun`], [`ErrorKind::Ended`], [`ErrorKind::RollingBack`],
    /// [`ErrorKind::PayloadTooLarge`], [`ErrorKind::MailboxFull`];
    /// [`ErrorKind::InvalidPayload`] when the text is not JSON. When the run's workflow is registered here:
    /// [`ErrorKind::UnknownSignal`] when it waits for no such signal, and
    /// [`ErrorKind::InvalidPayload`] when the signal carries something else.
    pub async fn signal_by_name(
        &self,
        id: impl AsRef<str>,
        signal: &str,
        payload: &str,
    ) -> Result<(), Error> {
        let id = RunId::from_recorded(id.as_ref());
        let found = patiently(&self.shared, |store| store.find(&id)).await?;
        let record = found.ok_or_else(|| unknown_run(id.as_str()))?;
        let payload = Payload::from_bytes(payload.as_bytes());
        payload.decode::<serde::de::IgnoredAny>()?;
        self.check_signal(&record, signal, &payload)?;
        self.send_signal(&record.id, signal, payload, true).await
    }

    fn check_signal(
        &self,
        record: &RunRecord,
        signal: &str,
        payload: &Payload,
    ) -> Result<(), Error> {
        let Some(definition) = self.shared.registry.find(&record.workflow) else {
            return Ok(());
        };
        let signals: Vec<_> = definition
            .graph()
            .paths()
            .into_iter()
            .filter(|(_, operation)| operation.kind.takes_signals())
            .map(|(path, _)| path)
            .collect();
        let present = definition.graph().present_signal(signal.to_owned());
        if signals.contains(&present) {
            let Some(awaited) = definition.awaited(&StepId::from_recorded(present.as_str())) else {
                return Ok(());
            };
            let what = || format!("signal `{signal}` to run `{}`", record.id);
            return (awaited.payload)(payload)
                .map(drop)
                .map_err(|error| unfit(&what(), &error));
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
        counts: bool,
    ) -> Result<(), Error> {
        // Held until the answer is here: what is on its way takes room.
        let _room = self.take_room(id, name, counts).await?;
        self.check_size(&payload, &format!("signal `{name}` to run `{id}`"))?;
        let kind = MailKind::Signal {
            name: name.to_owned(),
            payload,
        };
        self.send(id, kind).await
    }

    async fn take_room(&self, id: &RunId, name: &str, counts: bool) -> Result<Sending<'_>, Error> {
        let (shared, max) = (&self.shared, self.shared.limits.mailbox_max);
        let room = &shared.room;
        let sending = room.take(&*shared.store, (id, name), max, counts).await;
        sending.ok_or_else(|| Error::new(
            ErrorKind::MailboxFull,
            format!(
                "{max} signals `{name}` wait for run `{id}`, and no mailbox holds more of one name \
                 (`Limits::mailbox_max`); send this one again when the run has taken some"
            ),
        ))
    }

    /// Asks for a run to be canceled, when awaited: its running step is told, its completed steps are
    /// compensated, its children are canceled too. See [`Cancel`] for what becomes of it, and for how
    /// to end a rollback that does not get on.
    pub fn cancel(&self, id: impl AsRef<str>) -> Cancel {
        Cancel::new(self.clone(), RunId::from_recorded(id.as_ref()))
    }

    pub(super) async fn send(&self, id: &RunId, kind: MailKind) -> Result<(), Error> {
        let is_signal = matches!(kind, MailKind::Signal { .. });
        let mail = NewMail {
            to: MailTarget::Id(id.clone()),
            kind,
            at: self.shared.clock.now(),
        };
        let (reply, answer) = oneshot::channel();
        self.ask(Request::Mail { mail, reply })?;
        match self.answered(answer).await?? {
            MailOutcome::Delivered(_) => Ok(()),
            MailOutcome::UnknownRun => Err(unknown_run(id.as_str())),
            MailOutcome::Ended(status) => {
                let verb = if is_signal { "signaled" } else { "canceled" };
                let message = format!("run `{id}` is {status} and cannot be {verb}");
                Err(Error::new(ErrorKind::Ended, message))
            }
            MailOutcome::RollingBack => Err(rolling_back(id, is_signal)),
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
        RunList::new(Arc::clone(&self.shared))
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

fn rolling_back(id: &RunId, is_signal: bool) -> Error {
    let message = if is_signal {
        format!(
            "run `{id}` is being rolled back and takes no signals any more; its result tells why it failed"
        )
    } else {
        format!(
            "run `{id}` is being rolled back already; wait for its result, or end the rollback without \
             undoing what is left: `cancel(..).abandon_rollback()`"
        )
    };
    Error::new(ErrorKind::RollingBack, message)
}

fn unknown_run(id: &str) -> Error {
    Error::new(
        ErrorKind::UnknownRun,
        format!("there is no run with id `{id}`"),
    )
}

/// A value that a run cannot take.
fn unfit(what: &str, error: &PayloadError) -> Error {
    Error::new(ErrorKind::InvalidPayload, format!("{what}: {error}"))
}

/// Whether two inputs are the same value: as the present type reads and records them. A field that a
/// deploy added with a default value is in neither text or in both.
fn is_same(input: Reread, one: &Payload, other: &Payload) -> bool {
    let reread = || Some((input(one).ok()?, input(other).ok()?));
    one == other || reread().is_some_and(|(one, other)| one.is_same_json(&other))
}

/// A seed nobody can foresee, from the keys that `std` gives each hash map.
fn random_seed() -> i64 {
    RandomState::new().build_hasher().finish().cast_signed()
}
