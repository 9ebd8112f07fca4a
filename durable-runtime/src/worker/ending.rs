//! How runs end, as this process or the database knows it.

use std::sync::Arc;

use super::Shared;
use crate::{
    failure::Failure,
    journal::{EventKind, Payload, RunId, RunKey},
    observe,
    status::Status,
    store::{Commit, RunRecord, RunUpdate, Store, StoreError},
};

/// How a run ended, or why it does not go on.
#[derive(Debug, Clone)]
pub(crate) enum Ending {
    Completed(Payload),
    Failed(Failure),
    Canceled,
    Parked(String),
}

impl Ending {
    /// Tells whoever listens.
    pub(super) fn observe(&self, run: &RunId, workflow: &str) {
        match self {
            Self::Completed(_) => observe::run::completed(run, workflow),
            Self::Failed(failure) => observe::run::failed(run, workflow, failure),
            Self::Canceled => observe::run::canceled(run, workflow),
            Self::Parked(reason) => observe::run::parked(run, workflow, reason),
        }
    }
}

/// How a run has ended by what is recorded, if it has.
pub(crate) async fn recorded(
    store: &dyn Store,
    record: RunRecord,
) -> Result<Option<Ending>, StoreError> {
    if record.status == Status::Parked {
        return Ok(Some(Ending::Parked(record.reason.unwrap_or_default())));
    }
    if !record.status.is_terminal() {
        return Ok(None);
    }
    let last = store.history(record.run).await?.pop();
    Ok(last.and_then(|event| ending(&event.kind)))
}

/// Tells those who wait for runs that other processes may have ended, in a task of its own: whoever is
/// not told now looks again by itself.
pub(super) fn tell_recorded(shared: Arc<Shared>, runs: Vec<RunKey>) {
    tokio::spawn(async move {
        for run in runs {
            if let Ok(Some(record)) = shared.store.read(run).await
                && (record.status != Status::Parked || *shared.parked_were_tried.borrow())
                && let id = record.id.clone()
                && let Ok(Some(ending)) = recorded(&*shared.store, record).await
            {
                shared.residents.tell(run, &id, &ending);
            }
        }
    });
}

/// How a run ended with this commit, if it did.
pub(super) fn ending_of(commit: &Commit) -> Option<Ending> {
    if let Some(RunUpdate {
        status: Status::Parked,
        reason,
        ..
    }) = &commit.update
    {
        return Some(Ending::Parked(reason.clone().unwrap_or_default()));
    }
    ending(&commit.events.last()?.kind)
}

fn ending(last: &EventKind) -> Option<Ending> {
    match last {
        EventKind::Completed { output } => Some(Ending::Completed(output.clone())),
        EventKind::Failed { failure } => Some(Ending::Failed(failure.clone())),
        EventKind::Canceled => Some(Ending::Canceled),
        _ => None,
    }
}
