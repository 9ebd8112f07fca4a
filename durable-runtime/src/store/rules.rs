//! Rules that every store shares.

use super::{MailKind, NewRun};
use crate::{
    journal::{Epoch, WorkerId},
    status::Status,
};

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

/// Whether mail of this kind makes a run with this status due when nobody owns it.
pub(super) fn mail_wakes(status: Status, kind: &MailKind) -> bool {
    match status {
        Status::Completed | Status::Failed | Status::Canceled | Status::Paused => false,
        Status::Parked => matches!(kind, MailKind::Cancel),
        Status::Pending | Status::Running | Status::Suspended | Status::Compensating => true,
    }
}
