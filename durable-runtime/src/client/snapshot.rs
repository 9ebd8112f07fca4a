//! What a run is doing, for people and dashboards.

use std::{collections::BTreeMap, future::Future, pin::Pin, sync::Arc};

use serde::Serialize;

use crate::{
    error::Error,
    failure::Failure,
    journal::{Event, EventKind, RunId, StepId, Timestamp},
    status::{Status, Transition},
    store::RunRecord,
    worker::Shared,
};

/// A run at one moment.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct Snapshot {
    /// Its id.
    pub id: RunId,
    /// Its workflow.
    pub workflow: String,
    /// Where it stands.
    pub status: Status,
    /// How many of the workflow's operations have completed at least once.
    pub current_step: usize,
    /// How many operations the workflow has; `None` when it is not registered in this program.
    pub total_steps: Option<usize>,
    /// The signal it waits for; the first, if there are several.
    pub awaiting_signal: Option<String>,
    /// When it goes on by itself.
    pub wake_at: Option<Timestamp>,
    /// What each operation came to: outputs of steps and children, and payloads of signals.
    pub results: BTreeMap<StepId, serde_json::Value>,
    /// Why it failed, or is being rolled back.
    pub failure: Option<Failure>,
    /// Why it is parked.
    pub reason: Option<String>,
    /// Who waits for it.
    pub parent: Option<RunId>,
    /// The runs it has started.
    pub children: Vec<Self>,
    /// When it was started.
    pub created_at: Timestamp,
    /// When its row last changed.
    pub updated_at: Timestamp,
}

impl Snapshot {
    /// The changes of status that are possible now.
    pub fn available_transitions(&self) -> impl Iterator<Item = &'static Transition> {
        self.status.available_transitions()
    }

    pub(super) fn read(
        shared: &Arc<Shared>,
        record: RunRecord,
    ) -> Pin<Box<dyn Future<Output = Result<Self, Error>> + Send>> {
        let shared = Arc::clone(shared);
        Box::pin(async move {
            let mut history = shared.store.history(record.run).await?;
            let definition = shared.registry.find(&record.workflow);
            if let Some(definition) = definition.filter(|known| known.graph().has_renames()) {
                for event in &mut history {
                    event.step = event.step.take().map(|step| definition.present(step));
                }
            }
            let mut children = Vec::new();
            for child in shared.store.children(record.run).await? {
                children.push(Self::read(&shared, child).await?);
            }
            let parent = match &record.parent {
                Some(parent) => shared.store.read(parent.run).await?.map(|parent| parent.id),
                None => None,
            };
            let progress = Progress::of(&history);
            Ok(Self {
                current_step: progress.completed.len(),
                total_steps: definition.map(|definition| definition.graph().operations().len()),
                awaiting_signal: progress
                    .signals
                    .first_key_value()
                    .map(|(_, name)| name.clone()),
                wake_at: progress.timers.values().min().copied(),
                results: progress.results,
                failure: progress.failure,
                id: record.id,
                workflow: record.workflow,
                status: record.status,
                reason: record.reason,
                parent,
                children,
                created_at: record.created_at,
                updated_at: record.updated_at,
            })
        })
    }
}

/// What a journal says about a run that is under way.
#[derive(Default)]
struct Progress {
    completed: BTreeMap<String, ()>,
    results: BTreeMap<StepId, serde_json::Value>,
    timers: BTreeMap<StepId, Timestamp>,
    /// By position, so that the oldest wait comes first.
    signals: BTreeMap<usize, String>,
    failure: Option<Failure>,
}

impl Progress {
    fn of(history: &[Event]) -> Self {
        let mut progress = Self::default();
        for (position, event) in history.iter().enumerate() {
            progress.apply(position, event);
        }
        progress
    }

    fn apply(&mut self, position: usize, event: &Event) {
        if event.kind.is_terminal() {
            self.timers.clear();
            self.signals.clear();
        }
        if let EventKind::Failed { failure } | EventKind::RollbackStarted { failure } = &event.kind
        {
            self.failure = Some(failure.clone());
        }
        let Some(step) = &event.step else { return };
        match &event.kind {
            EventKind::StepCompleted { output }
            | EventKind::ChildCompleted { output }
            | EventKind::SignalReceived { payload: output } => {
                let value = output.decode().unwrap_or(serde_json::Value::Null);
                self.results.insert(step.clone(), value);
                self.end(step);
            }
            EventKind::TimerFired => self.end(step),
            EventKind::StepFailed { .. } | EventKind::ChildFailed { .. } => self.stop_waiting(step),
            EventKind::TimerArmed { due } => {
                self.timers.insert(step.clone(), *due);
            }
            EventKind::StepAttemptFailed { retry_at, .. }
            | EventKind::CompensationAttemptFailed { retry_at, .. } => {
                self.timers.insert(step.clone(), *retry_at);
            }
            EventKind::SignalAwaited { due } => {
                self.signals.insert(position, step.path().into_owned());
                if let Some(due) = due {
                    self.timers.insert(step.clone(), *due);
                }
            }
            EventKind::Compensated | EventKind::CompensationFailed { .. } => {
                self.stop_waiting(step);
            }
            _ => {}
        }
    }

    fn end(&mut self, step: &StepId) {
        self.completed.insert(step.path().into_owned(), ());
        self.stop_waiting(step);
    }

    fn stop_waiting(&mut self, step: &StepId) {
        self.timers.remove(step);
        self.signals.retain(|_, name| *name != step.path());
    }
}
