//! What a run is doing, for people and dashboards.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use super::{link::Link, progress::Progress};
use crate::{
    error::Error,
    failure::Failure,
    journal::{RunId, RunKey, StepId, Timestamp, rfc3339},
    registry::Definition,
    replay::Ledger,
    status::{Status, Transition},
    store::RunRecord,
};

/// How many children a snapshot shows.
const CHILDREN_SHOWN: usize = 100;

/// A run at one moment. In JSON, times are RFC 3339.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct Snapshot {
    /// Its id.
    pub id: RunId,
    /// Its workflow.
    pub workflow: String,
    /// Where it stands.
    pub status: Status,
    /// What it was started with.
    pub input: Value,
    /// What it returned; `None` unless it has completed.
    pub output: Option<Value>,
    /// How many operations have ended, well or not. An operation that is used again (in a loop, say) counts
    /// again.
    pub done: usize,
    /// The attempts of steps that are under way. Those of steps with a compensation are known to every
    /// process, others to the one that runs them.
    pub in_flight: Vec<StepInFlight>,
    /// What it waits for, in the order in which it began to.
    pub waiting: Vec<Waiting>,
    /// How far its rollback has come, while it is being rolled back.
    pub rollback: Option<Rollback>,
    /// The signal it waits for; the first, if there are several.
    pub awaiting_signal: Option<String>,
    /// When it goes on by itself.
    #[serde(serialize_with = "rfc3339::optional")]
    pub wake_at: Option<Timestamp>,
    /// What each operation came to: outputs of steps and children, and payloads of signals.
    pub results: BTreeMap<StepId, Value>,
    /// Why it failed, or is being rolled back.
    pub failure: Option<Failure>,
    /// Why it is parked.
    pub reason: Option<String>,
    /// Who waits for it.
    pub parent: Option<RunId>,
    /// The operation of the parent that started it.
    pub parent_step: Option<StepId>,
    /// The runs it has started, oldest first: the first 100; all of them are listed
    /// by [`children_of`](super::RunList::children_of). Their own children are in their snapshots.
    pub children: Vec<ChildRun>,
    /// How many more it has started.
    pub more_children: u64,
    /// When it was started.
    #[serde(serialize_with = "rfc3339::serialize")]
    pub created_at: Timestamp,
    /// When its row last changed.
    #[serde(serialize_with = "rfc3339::serialize")]
    pub updated_at: Timestamp,
}

/// An attempt of a step that is under way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct StepInFlight {
    /// The step.
    pub step: StepId,
    /// Which attempt, from 1.
    pub attempt: u32,
}

/// Something that a run waits for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Waiting {
    /// The operation.
    pub step: StepId,
    /// What it waits for.
    pub on: WaitsOn,
    /// When the wait ends by itself, if it does.
    #[serde(serialize_with = "rfc3339::optional")]
    pub until: Option<Timestamp>,
}

/// What sort of thing an operation waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum WaitsOn {
    /// A time.
    Timer,
    /// A signal.
    Signal,
    /// The end of a child.
    Child,
    /// The next attempt of a step or of a compensation.
    Retry,
}

/// How far a rollback has come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Rollback {
    /// The step that is being undone, with the number of the last attempt (0: none has begun); `None` while
    /// children or step bodies are waited for.
    pub undoing: Option<StepInFlight>,
    /// How many steps are to be undone, that one included.
    pub left: usize,
}

/// A run that another run has started.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct ChildRun {
    /// Its id.
    pub id: RunId,
    /// Its workflow.
    pub workflow: String,
    /// Where it stands.
    pub status: Status,
    /// The operation that started it.
    pub step: Option<StepId>,
    /// Why it is parked.
    pub reason: Option<String>,
    /// When it was started.
    #[serde(serialize_with = "rfc3339::serialize")]
    pub created_at: Timestamp,
    /// When its row last changed.
    #[serde(serialize_with = "rfc3339::serialize")]
    pub updated_at: Timestamp,
}

impl From<RunRecord> for ChildRun {
    fn from(run: RunRecord) -> Self {
        Self {
            id: run.id,
            workflow: run.workflow,
            status: run.status,
            step: run.parent.map(|parent| parent.step),
            reason: run.reason,
            created_at: run.created_at,
            updated_at: run.updated_at,
        }
    }
}

impl Snapshot {
    /// The changes of status that a client can ask for now.
    pub fn available_transitions(&self) -> impl Iterator<Item = &'static Transition> {
        let transitions = self.status.available_transitions();
        transitions.filter(|transition| transition.by_client)
    }

    /// Reads one journal: the run's own.
    pub(super) async fn read(link: &Link, record: RunRecord) -> Result<Self, Error> {
        let store = link.store();
        let mut history = store.history(record.run).await?;
        let definition = link.definition(&record.workflow);
        let graph = definition.map(Definition::graph);
        if let Some(graph) = graph.filter(|graph| graph.has_renames()) {
            for event in &mut history {
                event.step = event.step.take().map(|step| graph.present(step));
            }
        }
        let children = store
            .some_children(record.run, RunKey::new(0), CHILDREN_SHOWN)
            .await?;
        let (parent, parent_step) = match record.parent {
            Some(parent) => (store.read(parent.run).await?, Some(parent.step)),
            None => (None, None),
        };
        let mut progress = Progress::of(&history);
        if !record.status.is_terminal() {
            progress.note_attempts(link.attempts(record.run).await);
        }
        let rollback = definition.and_then(|known| Ledger::of(&history, known).rollback());
        let rollback = rollback.map(|(undoing, left)| Rollback {
            undoing: undoing.map(|(step, attempt)| StepInFlight { step, attempt }),
            left,
        });
        let waiting = progress.waiting();
        let signal = waiting.iter().find(|wait| wait.on == WaitsOn::Signal);
        Ok(Self {
            done: progress.done,
            awaiting_signal: signal.map(|wait| wait.step.path().into_owned()),
            wake_at: waiting.iter().filter_map(|wait| wait.until).min(),
            in_flight: progress.in_flight(),
            waiting,
            rollback,
            output: progress.output,
            results: progress.results,
            failure: progress.failure,
            input: record.input.to_json(),
            id: record.id,
            workflow: record.workflow,
            status: record.status,
            reason: record.reason,
            parent: parent.map(|parent| parent.id),
            parent_step,
            children: children.runs.into_iter().map(ChildRun::from).collect(),
            more_children: children.more,
            created_at: record.created_at,
            updated_at: record.updated_at,
        })
    }
}
