//! What the SQL stores share: how records are laid out in columns.

use std::borrow::Cow;

use super::{MailKind, NewRun, Owned, Ownership, RunUpdate, StartOutcome, rules};
use crate::{
    failure::Failure,
    journal::{Epoch, Payload, PayloadError, RunKey, StepId, Timestamp, WorkerId},
    status::Status,
};

/// The kinds of mail, by their names in the texts of SQL.
#[cfg(any(feature = "postgres", test))]
pub(super) const MAIL: &[(i64, &str)] = &[(SIGNAL, "signal"), (CHILD, "child"), (CANCEL, "cancel")];

const SIGNAL: i64 = 1;
const CHILD: i64 = 2;
const CANCEL: i64 = 3;
const ABANDON_ROLLBACK: i64 = 4;

/// A run that is there already.
#[derive(Debug, Clone)]
pub(super) struct There {
    pub(super) run: RunKey,
    pub(super) workflow: String,
    pub(super) input: Payload,
    pub(super) parent: Option<RunKey>,
    pub(super) seed: i64,
    pub(super) epoch: Epoch,
    pub(super) owner: Option<WorkerId>,
}

impl There {
    /// What it means for a start that meets it.
    pub(super) fn meet(&self, new: &NewRun) -> StartOutcome {
        if rules::is_same_start(new, self.seed, self.epoch, self.owner) {
            return StartOutcome::Created { run: self.run };
        }
        StartOutcome::Exists {
            run: self.run,
            workflow: self.workflow.clone(),
            input: self.input.clone(),
            parent: self.parent,
        }
    }
}

/// Where a run stands: its number, when it was started, its epoch and the length of its journal.
pub(super) type OwnedRow = (i64, Option<i64>, i64, Option<i64>);

pub(super) fn owned((run, created_at, epoch, events): OwnedRow) -> Owned {
    Owned {
        run: RunKey::new(run),
        created_at: created_at.map(Timestamp::from_micros),
        epoch: Epoch::new(epoch),
        events: events.map(|events| usize::try_from(events).unwrap_or(0)),
    }
}

/// A piece of mail as columns.
#[derive(Debug)]
pub(super) struct MailColumns<'m> {
    pub(super) kind: i64,
    /// The signal's name, or the operation that started the child.
    pub(super) name: Option<&'m str>,
    /// What was sent; a child's result or failure.
    pub(super) data: Option<Cow<'m, [u8]>>,
    /// Whether the child completed.
    pub(super) ok: Option<bool>,
}

impl<'m> MailColumns<'m> {
    pub(super) fn of(mail: &'m MailKind) -> Result<Self, PayloadError> {
        Ok(match mail {
            MailKind::Signal { name, payload } => Self {
                kind: SIGNAL,
                name: Some(name),
                data: Some(payload.as_bytes().into()),
                ok: None,
            },
            MailKind::Child { step, outcome } => Self {
                kind: CHILD,
                name: Some(step.as_str()),
                data: Some(match outcome {
                    Ok(payload) => payload.as_bytes().into(),
                    Err(failure) => Payload::encode(failure)?.as_bytes().to_owned().into(),
                }),
                ok: Some(outcome.is_ok()),
            },
            MailKind::Cancel => Self::plain(CANCEL),
            MailKind::AbandonRollback => Self::plain(ABANDON_ROLLBACK),
        })
    }

    /// Mail that says all there is to say by its kind.
    fn plain(kind: i64) -> Self {
        Self {
            kind,
            name: None,
            data: None,
            ok: None,
        }
    }

    /// The mail, or what is wrong with it.
    pub(super) fn read(self) -> Result<MailKind, String> {
        let missing = |column| format!("mail of kind {} has no {column}", self.kind);
        let payload = |data: Option<Cow<'_, [u8]>>| match data {
            Some(data) => Ok(Payload::from_bytes(&*data)),
            None => Err(missing("data")),
        };
        Ok(match self.kind {
            SIGNAL => MailKind::Signal {
                name: self.name.ok_or_else(|| missing("name"))?.to_owned(),
                payload: payload(self.data)?,
            },
            CHILD => {
                let data = payload(self.data)?;
                let completed = self.ok.ok_or_else(|| missing("outcome"))?;
                MailKind::Child {
                    step: StepId::from_recorded(self.name.ok_or_else(|| missing("name"))?),
                    outcome: if completed {
                        Ok(data)
                    } else {
                        Err(data
                            .decode::<Failure>()
                            .map_err(|error| error.to_string())?)
                    },
                }
            }
            CANCEL => MailKind::Cancel,
            ABANDON_ROLLBACK => MailKind::AbandonRollback,
            kind => {
                return Err(format!("its kind {kind} is not known to this version"));
            }
        })
    }
}

/// A run's new state as columns.
#[derive(Debug)]
pub(super) struct UpdateColumns {
    pub(super) status: i64,
    pub(super) release: bool,
    pub(super) due: Option<i64>,
    /// Mail with a number above makes the run due; `None` when no mail does.
    pub(super) seen: Option<i64>,
    /// The least kind of mail that makes it due; `None` when every kind does.
    pub(super) wakes: Option<i64>,
}

impl UpdateColumns {
    pub(super) fn of(update: &RunUpdate) -> Self {
        let (release, due, seen) = match update.ownership {
            _ if update.status.is_terminal() => (true, None, None),
            Ownership::Keep => (false, None, None),
            Ownership::Release { due, seen } => (true, due, Some(seen.get())),
        };
        // The same rule as `rules::mail_wakes`: nothing wakes a paused run, what cancels a parked one.
        let (seen, wakes) = match update.status {
            Status::Paused => (None, None),
            Status::Parked => (seen, Some(CANCEL)),
            _ => (seen, None),
        };
        Self {
            status: update.status.code(),
            release,
            due: due.map(|due| due.as_micros()),
            seen,
            wakes,
        }
    }
}
