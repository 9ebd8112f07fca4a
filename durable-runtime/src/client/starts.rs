//! Starting runs.

use super::{
    Client, Run,
    link::draw,
    names::{check_name, conflict, no_such, unfit},
};
use crate::{
    context::{Data, Reread, Workflow},
    error::{Error, ErrorKind},
    journal::{Payload, PayloadError, RunId, RunKey},
    registry::{Definition, reread},
    store::{NewRun, StartOutcome},
};

/// What a run is to be of: a workflow, as far as it is known here.
struct Form<'f> {
    name: &'f str,
    /// The names that it had before.
    was: &'f [&'f str],
    /// Reads its input; `None` when it is not linked.
    input: Option<Reread>,
}

impl Client {
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
        let form = match self.link().startable(W::NAME)? {
            Some(known) => Form::of(known),
            None => Form {
                name: W::NAME,
                was: W::GRAPH.was,
                input: Some(reread::<W::Input>),
            },
        };
        let run = self.start_encoded(&id, form, input).await?;
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
        let form = match self.link().startable(workflow)? {
            Some(known) => Form::of(known),
            None => Form::unknown(workflow)?,
        };
        let input = Payload::from_bytes(input.as_bytes());
        form.read(&input).map_err(|error| {
            let what = format!("the input of run `{id}` of workflow `{workflow}`");
            unfit(&what, &error)
        })?;
        let run = self.start_encoded(&id, form, input).await?;
        Ok(Run::new(self.clone(), id, run))
    }

    async fn start_encoded(
        &self,
        id: &RunId,
        form: Form<'_>,
        input: Payload,
    ) -> Result<RunKey, Error> {
        self.check_size(&input, &format!("the input of run `{id}`"))?;
        let run = NewRun {
            id: id.clone(),
            workflow: form.name.to_owned(),
            input: input.clone(),
            seed: draw().cast_signed(),
            at: self.link().now(),
            parent: None,
            owner: None,
        };
        match self.link().start(run).await? {
            StartOutcome::Created { run } => Ok(run),
            StartOutcome::Exists {
                run,
                workflow: other,
                input: recorded,
                ..
            } => {
                let is_of_it = form.name == other || form.was.contains(&&*other);
                if is_of_it && form.takes_for_the_same(&recorded, &input) {
                    return Ok(run);
                }
                Err(conflict(id, form.name, &other))
            }
        }
    }
}

impl Form<'static> {
    fn of(known: &'static Definition) -> Self {
        Self {
            name: known.name,
            was: known.graph().was,
            input: Some(known.input),
        }
    }
}

impl<'f> Form<'f> {
    /// Of a workflow that others have.
    fn unknown(name: &'f str) -> Result<Self, Error> {
        check_name(name).map_err(|flaw| no_such(ErrorKind::UnknownWorkflow, name, &flaw))?;
        Ok(Self {
            name,
            was: &[],
            input: None,
        })
    }

    /// Fails when the input is not what the workflow takes; or is no JSON, if it is not known what it takes.
    fn read(&self, input: &Payload) -> Result<(), PayloadError> {
        match self.input {
            Some(reread) => reread(input).map(drop),
            None => input.decode::<serde::de::IgnoredAny>().map(drop),
        }
    }

    /// Whether two inputs are the same value: as the present type reads and records them, so that a field
    /// which a deploy added with a default value is in neither text or in both. Where the type is not known,
    /// as JSON.
    fn takes_for_the_same(&self, one: &Payload, other: &Payload) -> bool {
        let Some(reread) = self.input else {
            return one.is_same_json(other);
        };
        let reread = || Some((reread(one).ok()?, reread(other).ok()?));
        one == other || reread().is_some_and(|(one, other)| one.is_same_json(&other))
    }
}
