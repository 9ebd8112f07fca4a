//! Rules that every store shares.

use std::{collections::HashMap, hash::Hash, time::Duration};

use super::{Commit, MailKind, MailOutcome, NewRun, Ownership};
use crate::{
    journal::{Epoch, WorkerId},
    status::Status,
};

/// How long a run is on trial at the most: a trial also ends when the journal grows, or when the worker
/// lets go of the run.
pub(super) const TRIAL: Duration = Duration::from_secs(10);

/// How long it is remembered which batch a worker has sent last after it was found gone.
#[cfg(any(feature = "sqlite", feature = "postgres"))]
const BATCH_MEMORY: Duration = Duration::from_secs(7 * 24 * 3600);

/// Of a worker that was gone before this time it is forgotten what it has sent.
#[cfg(any(feature = "sqlite", feature = "postgres"))]
pub(super) fn forgotten(now: crate::journal::Timestamp) -> crate::journal::Timestamp {
    let memory = i64::try_from(BATCH_MEMORY.as_micros()).unwrap_or(i64::MAX);
    crate::journal::Timestamp::from_micros(now.as_micros().saturating_sub(memory))
}

/// How many bytes of inputs, journals and mail one claim loads, if it is more than one run: what it takes is in
/// memory as a whole, and has to come in time. The SQL says it too.
pub(super) const CLAIM_BYTES_MAX: usize = 16 << 20;

/// How many of the runs that might be claimed are, from the first, by the bytes of each: at least one.
pub(super) fn fitting(bytes: impl IntoIterator<Item = usize>) -> usize {
    let mut before = 0_usize;
    let fits = |bytes: &usize| {
        let is_first = before == 0;
        before = before.saturating_add((*bytes).max(1));
        is_first || before <= CLAIM_BYTES_MAX
    };
    bytes.into_iter().take_while(fits).count()
}

/// Whether a run that is there was started by this very request, whose reply was lost: nobody else
/// can have drawn its seed, and nobody has claimed it since.
pub(super) fn is_same_start(
    new: &NewRun,
    seed: i64,
    epoch: Epoch,
    owner: Option<WorkerId>,
) -> bool {
    let first = i64::from(new.owner.is_some());
    seed == new.seed && owner == new.owner && epoch.get() == first
}

/// Whether a commit without events that comes at the current epoch of a run that nobody owns is a
/// release whose reply was lost. A commit that keeps the run never is: its worker has lost it.
pub(super) fn is_same_release(commit: &Commit, status: Status) -> bool {
    let releases = commit
        .update
        .as_ref()
        .is_some_and(|update| update.status == status && update.ownership != Ownership::Keep);
    releases && commit.events.is_empty() && commit.children.is_empty() && commit.outgoing.is_empty()
}

/// Refuses the journal of a run that was claimed for the first time and should have none: it was there before
/// the run, so it is another's.
#[cfg(any(feature = "sqlite", feature = "postgres"))]
pub(super) fn check_journal(
    epoch: Epoch,
    events: &[crate::journal::Event],
) -> Result<(), &'static str> {
    if epoch.get() == 1 && !events.is_empty() {
        return Err("its journal was there before it, and belongs to another run");
    }
    Ok(())
}

/// The status that says which mail a run takes: one that was parked in the middle of its rollback is being rolled
/// back. Its journal says so (`EventKind::begins_rollback`).
pub(super) fn status_for_mail(status: Status, began_rollback: bool) -> Status {
    match (status, began_rollback) {
        (Status::Parked, true) => Status::Compensating,
        (status, _) => status,
    }
}

/// What becomes of mail of this kind for a run with this [`status_for_mail`] that takes none; `None` when it
/// does. From a cancellation or a failure on a run takes what ends its rollback, and nothing that would have no
/// effect.
pub(super) fn refusal(status: Status, kind: &MailKind) -> Option<MailOutcome> {
    match (status, kind) {
        (Status::Completed | Status::Failed | Status::Canceled, _) => {
            Some(MailOutcome::Ended(status))
        }
        (Status::Compensating, MailKind::Signal { .. } | MailKind::Cancel) => {
            Some(MailOutcome::RollingBack)
        }
        _ => None,
    }
}

/// The signals that have no room, by their places. `signals`: those that their runs take, each with its place, and
/// with its run and its name; `waiting`: how many wait for a run under a name, counted up to `max`.
pub(super) fn without_room<R: Eq + Hash>(
    signals: impl IntoIterator<Item = (usize, R)>,
    max: u32,
    mut waiting: HashMap<R, u32>,
) -> Vec<usize> {
    let signals = signals.into_iter();
    let without_room = signals.filter_map(|(place, run_and_name)| {
        let waiting = waiting.entry(run_and_name).or_default();
        let is_full = *waiting >= max;
        *waiting = waiting.saturating_add(1);
        is_full.then_some(place)
    });
    without_room.collect()
}

/// Whether mail of this kind makes a run with this status due when nobody owns it.
pub(super) fn mail_wakes(status: Status, kind: &MailKind) -> bool {
    match status {
        Status::Completed | Status::Failed | Status::Canceled | Status::Paused => false,
        Status::Parked => kind.cancels(),
        Status::Pending | Status::Running | Status::Suspended | Status::Compensating => true,
    }
}
