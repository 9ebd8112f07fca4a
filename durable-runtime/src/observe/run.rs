//! What happens to runs and in them.

use tracing::{debug, error, info, warn};

use crate::{
    failure::Failure,
    journal::{Event, EventKind, RunId},
};

/// A run begins, or goes on from its journal of this many events.
pub(crate) fn taken_up(run: &RunId, workflow: &str, events: u32) {
    match events {
        0 => debug!(name: "run_started", target: "durable", %run, workflow, "run started"),
        _ => debug!(
            name: "run_resumed", target: "durable", %run, workflow, events,
            "run resumed from its journal"
        ),
    }
}

pub(crate) fn completed(run: &RunId, workflow: &str) {
    debug!(name: "run_completed", target: "durable", %run, workflow, "run completed");
}

pub(crate) fn failed(run: &RunId, workflow: &str, failure: &Failure) {
    error!(
        name: "run_failed", target: "durable", %run, workflow, error = %failure,
        "run failed"
    );
}

pub(crate) fn canceled(run: &RunId, workflow: &str) {
    info!(name: "run_canceled", target: "durable", %run, workflow, "run canceled");
}

pub(crate) fn parked(run: &RunId, workflow: &str, reason: &str) {
    error!(
        name: "run_parked", target: "durable", %run, workflow, reason,
        "run parked: it waits for a worker that can go on with it"
    );
}

/// Another worker owns the run now, or the database has forgotten what it has written.
pub(crate) fn lost(run: &RunId) {
    info!(
        name: "run_lost", target: "durable", %run,
        "ownership lost; the run goes on as the database has it"
    );
}

/// The database has forgotten or changed what the run has written.
pub(crate) fn forgotten(run: &RunId) {
    warn!(
        name: "run_forgotten", target: "durable", %run,
        "the database says otherwise where the run stands; it goes on as the database has it"
    );
}

/// Something new happened in a run; on a replay it is not told again. How a run ends is told when that is
/// durable.
pub(crate) fn proposed(run: &RunId, event: &Event) {
    let step = event.step.as_ref().map_or("", |step| step.as_str());
    match &event.kind {
        EventKind::StepAttemptFailed {
            attempt,
            failure,
            retry_at,
        } => warn!(
            name: "attempt_failed", target: "durable",
            %run, step, attempt, error = %failure, %retry_at,
            "attempt failed; another one follows"
        ),
        EventKind::StepFailed { failure } => warn!(
            name: "step_failed", target: "durable",
            %run, step, attempts = failure.attempts(), error = %failure,
            "step failed for good"
        ),
        EventKind::StepInterrupted { attempt } => warn!(
            name: "step_interrupted", target: "durable", %run, step, attempt,
            "attempt cut off: whether it had its effect is not known"
        ),
        EventKind::ChildFailed { failure } => warn!(
            name: "child_failed", target: "durable", %run, step, error = %failure,
            "child run failed"
        ),
        EventKind::CancelRequested => info!(
            name: "cancel_requested", target: "durable", %run,
            "cancellation requested"
        ),
        EventKind::RollbackStarted { failure } => warn!(
            name: "rollback_started", target: "durable", %run, error = %failure,
            "rollback started"
        ),
        EventKind::CompensationAttemptFailed {
            attempt,
            failure,
            retry_at,
        } => warn!(
            name: "compensation_attempt_failed", target: "durable",
            %run, step, attempt, error = %failure, %retry_at,
            "attempt of a compensation failed; another one follows"
        ),
        EventKind::CompensationFailed { failure } => error!(
            name: "compensation_failed", target: "durable",
            %run, step, attempts = failure.attempts(), error = %failure,
            "compensation failed for good: what the step did is not undone"
        ),
        EventKind::Completed { .. } | EventKind::Failed { .. } | EventKind::Canceled => {}
        kind => debug!(
            name: "recorded", target: "durable", %run, step, kind = kind.name(),
            "recorded"
        ),
    }
}
