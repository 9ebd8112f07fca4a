//! What happens to a worker and to its database.

use std::{fmt, time::Duration};

use tracing::{debug, error, info, warn};

use crate::journal::{RunId, WorkerId};

pub(crate) fn started(worker: WorkerId) {
    let worker = worker.get();
    info!(name: "worker_started", target: "durable", worker, "worker started");
}

pub(crate) fn stopped(worker: WorkerId) {
    let worker = worker.get();
    info!(
        name: "worker_stopped", target: "durable", worker,
        "worker stopped; its runs were given back"
    );
}

pub(crate) fn not_signed_off(worker: WorkerId, error: &dyn fmt::Display) {
    let worker = worker.get();
    warn!(
        name: "worker_not_signed_off", target: "durable", worker, %error,
        "the worker could not sign off; its runs come free when its lease ends"
    );
}

pub(crate) fn not_closed(error: &dyn fmt::Display) {
    warn!(
        name: "database_not_closed", target: "durable", %error,
        "the database could not be closed in good order; nothing is lost"
    );
}

/// The engine has ended, and nobody asked for it.
pub(crate) fn broken(trouble: &str) {
    error!(name: "engine_ended", target: "durable", "{trouble}");
}

/// Nobody has taken the runs meanwhile.
pub(crate) fn lease_had_ended(worker: WorkerId) {
    let worker = worker.get();
    info!(
        name: "lease_had_ended", target: "durable", worker,
        "the lease had ended and is renewed: runs that were held back go on"
    );
}

pub(crate) fn claimed(worker: WorkerId, runs: usize) {
    let worker = worker.get();
    if runs > 0 {
        debug!(name: "runs_claimed", target: "durable", worker, runs, "runs claimed");
    }
}

/// The runs of workers that are dead, or whose lease has ended, are free.
pub(crate) fn freed(runs: u64) {
    if runs > 0 {
        warn!(
            name: "runs_freed", target: "durable", runs,
            "another worker is gone; its runs go on elsewhere"
        );
    }
}

pub(crate) fn lease_lost(worker: WorkerId) {
    let worker = worker.get();
    warn!(
        name: "lease_lost", target: "durable", worker,
        "the lease was lost; dropping all runs and registering anew"
    );
}

/// Said once per outage.
pub(crate) fn store_failed(error: &dyn fmt::Display) {
    warn!(name: "store_failed", target: "durable", %error, "the store failed; trying again");
}

/// Said for each failed call of an outage after the first.
pub(crate) fn store_fails_still(error: &dyn fmt::Display) {
    debug!(name: "store_fails_still", target: "durable", %error, "the store failed again");
}

pub(crate) fn store_works() {
    info!(name: "store_works", target: "durable", "the store works again");
}

/// The database does not take one request at the moment, while it takes others.
pub(crate) fn set_aside(what: &str, tries: u32, pause: Duration, error: &dyn fmt::Display) {
    warn!(
        name: "set_aside", target: "durable", what, tries, ?pause, %error,
        "set aside what the database does not take; it is tried again, and everything else goes on"
    );
}

/// What weakens the promises of a database.
#[cfg(feature = "postgres")]
pub(crate) fn database_warning(warning: &dyn fmt::Display) {
    warn!(name: "database_warning", target: "durable", "{warning}");
}

/// A nicety of a database failed; nothing rests on it.
#[cfg(feature = "postgres")]
pub(crate) fn database_note(error: &dyn fmt::Debug, note: &str) {
    debug!(name: "database_note", target: "durable", ?error, "{note}");
}

/// A destructor in the body of a run panicked.
pub(crate) fn destructor_panicked(run: &RunId, panic: &str) {
    error!(
        name: "destructor_panicked", target: "durable", %run, panic,
        "a destructor panicked"
    );
}
