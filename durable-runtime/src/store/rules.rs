//! Rules of delivery that every store shares.

use super::MailKind;
use crate::status::Status;

/// Whether mail of this kind makes a run with this status due when nobody owns it.
pub(super) fn mail_wakes(status: Status, kind: &MailKind) -> bool {
    match status {
        Status::Completed | Status::Failed | Status::Canceled | Status::Paused => false,
        Status::Parked => matches!(kind, MailKind::Cancel),
        Status::Pending | Status::Running | Status::Suspended | Status::Compensating => true,
    }
}
