//! What a run has to write: one commit at a time.

use super::{Machine, Residency};
use crate::{
    failure::{Failure, FailureKind},
    journal::{EventKind, Timestamp},
    record::{self, ChildOutcome, Commit, MailKind, MailTarget, NewMail, Ownership, RunUpdate},
    status::Status,
};

impl Machine {
    /// Tells how the body ended. The run ends when all that is recorded has been delivered.
    pub(super) fn handle_body(&mut self, result: super::Resolution) {
        self.body_result = Some(result.and_then(|output| self.check_size(output)));
    }

    /// Proposes the end of a body that has returned.
    pub(super) fn finish(&mut self) {
        match self.body_result.take() {
            Some(Ok(output)) => self.propose(None, EventKind::Completed { output }),
            Some(Err(failure)) if self.needs_rollback() => {
                self.propose(None, EventKind::RollbackStarted { failure });
            }
            Some(Err(failure)) => self.propose(None, EventKind::Failed { failure }),
            None => {}
        }
    }

    fn needs_rollback(&self) -> bool {
        self.ledger.has_something_to_undo() || !self.ledger.children.is_empty()
    }

    /// Whether the run is being canceled or rolled back: its body does not run on.
    pub(super) fn is_rolling_back(&self) -> bool {
        self.ledger.cause.is_some() && !self.ledger.ended
    }

    /// Whether the run has ended.
    pub(super) fn has_ended(&self) -> bool {
        self.ledger.ended
    }

    /// Whether step bodies are in flight.
    pub(super) fn is_executing(&self) -> bool {
        self.operations.counts().executing > 0
    }

    /// Takes what there is to write; `None` while a commit is in flight or nothing changed. A run
    /// that only waits, and longer than it may linger, lets go of its place in memory.
    pub(super) fn take_commit(&mut self, residency: Residency) -> Option<Commit> {
        if self.committing.is_some() {
            return None;
        }
        self.drop_what_is_too_large();
        if self.parked.is_some() {
            self.retract_starts();
        }
        let status = self.next_status();
        let ownership = self.next_ownership(residency);
        let update = (status != self.status || ownership != Ownership::Keep).then(|| RunUpdate {
            status,
            ownership,
            reason: self.parked.clone(),
        });
        let released = ownership != Ownership::Keep;
        if self.uncommitted.is_empty() && self.consumed.is_empty() && !released {
            return None;
        }
        if self.ledger.ended {
            self.tell_parent();
        }
        debug_assert!(
            self.status.may_become(status),
            "run {:?} would become {status} from {}",
            self.identity.id,
            self.status
        );
        self.committing = Some(status);
        Some(self.commit_of(update))
    }

    /// Decides that the run cannot go on with this build. What happened so far is kept, and the next
    /// commit parks the run with the reason.
    pub(super) fn park(&mut self, reason: String) {
        self.parked.get_or_insert(reason);
    }

    /// Whether the run cannot go on with this build.
    pub(super) fn is_parked(&self) -> bool {
        self.parked.is_some()
    }

    fn commit_of(&mut self, update: Option<RunUpdate>) -> Commit {
        let events = std::mem::take(&mut self.uncommitted);
        Commit {
            run: self.identity.run,
            created_at: self.identity.created_at,
            epoch: self.identity.epoch,
            position: self.committed,
            events,
            update,
            children: std::mem::take(&mut self.children),
            consumed: std::mem::take(&mut self.consumed),
            outgoing: std::mem::take(&mut self.outgoing),
            at: self.wall,
        }
    }

    /// Tells that the commit taken last is durable.
    pub(super) fn handle_committed(&mut self, events: usize) {
        if let Some(status) = self.committing.take() {
            self.status = status;
        }
        self.committed += u32::try_from(events).unwrap_or(u32::MAX);
    }

    /// What to say when the journal has grown past its bound. A rollback always has room: what it records
    /// is bounded by what there is to undo.
    pub(super) fn history_exceeded(&self) -> Option<String> {
        let goes_on = self.ledger.cause.is_none() && !self.ledger.ended;
        (self.ledger.len > self.limits.history_max && goes_on).then(|| {
            format!(
                "the journal has reached its limit of {} events; raise `Limits::history_max` and \
                 start a worker with it, or split the work into child runs",
                self.limits.history_max
            )
        })
    }

    /// Tells that the commit taken last will never be durable: nothing of it was written.
    pub(super) fn handle_refused(&mut self, reason: String) {
        self.committing = None;
        self.park_as_recorded(reason);
    }

    /// Parks the run as it is in the database: what happened since is not recorded, as after a crash.
    fn park_as_recorded(&mut self, reason: String) {
        self.uncommitted.clear();
        self.children.clear();
        self.outgoing.clear();
        self.consumed.clear();
        self.parked = Some(reason);
    }

    /// Parks the run as it is in the database when what happened since is too much to write at once.
    fn drop_what_is_too_large(&mut self) {
        let bytes = record::bytes(&self.uncommitted, &self.children, &self.outgoing);
        if bytes <= self.limits.commit_bytes_max {
            return;
        }
        self.park_as_recorded(format!(
            "{bytes} bytes would have to be written at once and the limit is {} \
             (`Limits::commit_bytes_max`): results of steps that ended together, or inputs of children \
             that started together; nothing of it is recorded. Return references to large data, or let \
             fewer operations end together",
            self.limits.commit_bytes_max
        ));
    }

    fn next_status(&self) -> Status {
        match self.terminal() {
            Some(status) => status,
            None if self.parked.is_some() => Status::Parked,
            None if self.ledger.cause.is_some() => Status::Compensating,
            None if !self.body_only_waits() => Status::Running,
            None => Status::Suspended,
        }
    }

    /// The status the run ended with.
    pub(super) fn terminal(&self) -> Option<Status> {
        self.uncommitted.last().and_then(|event| match event.kind {
            EventKind::Completed { .. } => Some(Status::Completed),
            EventKind::Failed { .. } => Some(Status::Failed),
            EventKind::Canceled => Some(Status::Canceled),
            _ => None,
        })
    }

    fn next_ownership(&mut self, residency: Residency) -> Ownership {
        let seen = self.mailbox.seen;
        if self.ledger.ended || self.parked.is_some() {
            return Ownership::Release { due: None, seen };
        }
        if !self.only_waits() {
            self.waiting_since = None;
            return Ownership::Keep;
        }
        let since = *self.waiting_since.get_or_insert(self.wall);
        let due = self.next_due();
        let near = due.is_some_and(|due| due.since(self.wall) <= residency.linger);
        let fresh = self.awaits_mail() && self.wall.since(since) < residency.linger;
        if !residency.pressed && (near || fresh) {
            return Ownership::Keep;
        }
        Ownership::Release { due, seen }
    }

    /// Whether only time, mail or a child can move the run.
    fn only_waits(&self) -> bool {
        let waits = match self.ledger.cause {
            None => self.body_only_waits(),
            Some(_) => self.rollback_awaits_children(),
        };
        waits && self.undelivered.is_empty() && self.mailbox.is_quiet()
    }

    fn body_only_waits(&self) -> bool {
        let counts = self.operations.counts();
        counts.outstanding > 0 && counts.busy == 0
    }

    /// Whether it waits for what may come at any moment.
    fn awaits_mail(&self) -> bool {
        match self.ledger.cause {
            None => self.operations.counts().awaiting_mail > 0,
            Some(_) => self.rollback_awaits_children(),
        }
    }

    /// When the run is to be looked at again: for a timer, or to leave memory. Never a time that has
    /// come: what was due by then has been dealt with, or waits for a commit or for the lease.
    pub(super) fn next_wake(&self, residency: Residency) -> Option<Timestamp> {
        let leave = self
            .waiting_since
            .filter(|_| self.awaits_mail())
            .map(|since| since.after(residency.linger))
            .filter(|at| *at > self.wall);
        // A rollback sets its own timers; those of the body are over.
        if self.ledger.cause.is_some() {
            return leave;
        }
        let mut due = self.operations.timers();
        let later = due.find(|due| *due > self.wall);
        [later, leave].into_iter().flatten().min()
    }

    /// A child's end goes to its parent in the commit that ends it.
    fn tell_parent(&mut self) {
        let Some(parent) = &self.identity.parent else {
            return;
        };
        let outcome: ChildOutcome = match self.uncommitted.last().map(|event| &event.kind) {
            Some(EventKind::Completed { output }) => Ok(output.clone()),
            Some(EventKind::Failed { failure }) => Err(failure.clone()),
            Some(EventKind::Canceled) => {
                let message = format!("child run `{}` was canceled", self.identity.id);
                Err(Failure::new(FailureKind::Canceled, message).permanent())
            }
            _ => return,
        };
        let kind = MailKind::Child {
            step: parent.step.clone(),
            outcome,
        };
        self.outgoing.push(NewMail {
            to: MailTarget::Key(parent.run),
            kind,
            at: self.wall,
        });
    }
}
