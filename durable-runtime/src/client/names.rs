//! What cannot be asked, and why.

use crate::{
    error::{Error, ErrorKind},
    journal::{PayloadError, RunId},
};

/// The most bytes that the name of a workflow or a signal may have that is not known here.
const NAME_BYTES_MAX: usize = 1_000;

/// Refuses a name that nothing can have.
pub(super) fn check_name(name: &str) -> Result<(), String> {
    if name.is_empty() {
        Err("it is empty".to_owned())
    } else if name.len() > NAME_BYTES_MAX {
        Err(format!("it is longer than {NAME_BYTES_MAX} bytes"))
    } else if name.chars().any(char::is_control) {
        Err("it contains a control character".to_owned())
    } else {
        Ok(())
    }
}

pub(super) fn no_such(kind: ErrorKind, name: &str, flaw: &str) -> Error {
    let what = match kind {
        ErrorKind::UnknownSignal => "signal",
        _ => "workflow",
    };
    let begins: String = name.chars().take(40).collect();
    Error::new(kind, format!("no {what} has the name {begins:?}: {flaw}"))
}

pub(super) fn conflict(id: &RunId, workflow: &str, recorded: &str) -> Error {
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

pub(super) fn rolling_back(id: &RunId, is_signal: bool) -> Error {
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

pub(super) fn unknown_run(id: &str) -> Error {
    Error::new(
        ErrorKind::UnknownRun,
        format!("there is no run with id `{id}`"),
    )
}

/// A value that a run cannot take.
pub(super) fn unfit(what: &str, error: &PayloadError) -> Error {
    Error::new(ErrorKind::InvalidPayload, format!("{what}: {error}"))
}
