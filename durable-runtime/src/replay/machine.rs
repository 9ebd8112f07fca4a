//! The state of one run in memory, and what the body's operations ask of it.

use std::{
    collections::{BTreeSet, VecDeque},
    task::Waker,
    time::Duration,
};

use super::{
    Blueprint, Ledger, Nondeterminism,
    drive::Drive,
    mailbox::Mailbox,
    operation::{OperationIndex, Operations, Resolution, State},
    operations::Work,
};
use crate::{
    failure::Failure,
    journal::{
        Epoch, Event, EventKind, MailId, Payload, RunId, RunKey, StepId, Timestamp, WorkerId,
    },
    observe,
    random::Random,
    record::{LoadedRun, NewMail, NewRun, Parent},
    status::Status,
};

/// Who a run is; fixed for the life of a machine.
#[derive(Debug, Clone)]
pub struct Identity {
    /// Its number.
    pub run: RunKey,
    /// Its id.
    pub id: RunId,
    /// When it was started.
    pub created_at: Timestamp,
    /// The epoch of the claim.
    pub epoch: Epoch,
    /// The worker that claimed it.
    pub worker: WorkerId,
    /// Where its randomness starts.
    pub seed: i64,
    /// Who waits for it.
    pub parent: Option<Parent>,
    /// Its workflow.
    pub blueprint: &'static dyn Blueprint,
}

/// The bounds a machine keeps.
#[derive(Debug, Clone, Copy)]
pub struct MachineLimits {
    /// The most events a journal may have.
    pub history_max: u32,
    /// The most bytes a payload may have.
    pub payload_bytes_max: usize,
    /// The most bytes that may have to be written at once.
    pub commit_bytes_max: usize,
    /// How long an attempt of a step with a compensation is waited for after it was told to end.
    pub cancel_grace: Duration,
}

/// How long a run that only waits stays in memory.
#[derive(Debug, Clone, Copy)]
pub struct Residency {
    /// A wait shorter than this is waited out in memory.
    pub linger: Duration,
    /// Whether memory is short: a run that only waits leaves at once.
    pub pressed: bool,
}

/// One run in memory. See the [module](super) for its rules.
#[derive(Debug)]
pub struct Machine {
    pub(super) identity: Identity,
    pub(super) limits: MachineLimits,
    pub(super) ledger: Ledger,
    /// The time as the shell last told it: what timers fire by.
    pub(super) wall: Timestamp,
    /// The time of the event recorded last.
    latest: Timestamp,
    /// The time of the event delivered last: what the body sees as now.
    pub(super) now: Timestamp,
    random: Random,

    pub(super) operations: Operations,
    /// Operations that have something to do at the frontier.
    pub(super) fresh: VecDeque<OperationIndex>,
    /// What the body let go of and what leaves traces.
    pub(super) abandoned: Vec<OperationIndex>,
    pub(super) mailbox: Mailbox,

    /// Events not yet delivered to the body: recorded ones, then proposed ones. Empty from a
    /// cancellation or a failure on.
    pub(super) undelivered: VecDeque<Event>,
    pub(super) delivered: u32,
    /// How many events the journal had when it was loaded.
    pub(super) recorded: u32,
    /// Whether the body, when the journal was written last, had done all that it does after the last
    /// event, and it has not done so again.
    pub(super) came_to_rest: bool,
    /// Events proposed and not yet part of a commit.
    pub(super) uncommitted: Vec<Event>,
    pub(super) children: Vec<NewRun>,
    pub(super) outgoing: Vec<NewMail>,
    pub(super) consumed: Vec<MailId>,
    /// The status that the commit in flight sets.
    pub(super) committing: Option<Status>,
    /// How many events are durable.
    pub(super) committed: u32,

    /// The status in the database.
    pub(super) status: Status,
    pub(super) body_result: Option<Resolution>,
    pub(super) waiting_since: Option<Timestamp>,
    pub(super) fault: Option<Nondeterminism>,
    /// Whether no step body may start at the moment.
    pub(super) held: bool,
    /// Whether a rollback has yet to cancel the children that still run.
    pub(super) children_run_on: bool,
    /// The attempt of a compensation that this machine makes.
    pub(super) compensating: Option<u32>,
    /// How many workers died with the run since it last got further.
    pub(super) deaths: u32,
    /// Steps whose output could not be recorded and is in memory.
    pub(super) kept: BTreeSet<StepId>,
    /// Why the run cannot go on with this build.
    pub(super) parked: Option<String>,
    pub(super) drive: Drive,
    #[cfg(debug_assertions)]
    pub(super) facts: super::recount::Facts,
}

impl Machine {
    /// A machine for a run that has no journal yet.
    pub fn start(identity: Identity, limits: MachineLimits, at: Timestamp) -> Self {
        let random = Random::new(identity.seed);
        Self {
            identity,
            limits,
            ledger: Ledger::default(),
            wall: Timestamp::MIN,
            latest: at,
            now: at,
            random,
            operations: Operations::default(),
            fresh: VecDeque::new(),
            abandoned: Vec::new(),
            mailbox: Mailbox::default(),
            undelivered: VecDeque::new(),
            delivered: 0,
            recorded: 0,
            came_to_rest: false,
            uncommitted: Vec::new(),
            children: Vec::new(),
            outgoing: Vec::new(),
            consumed: Vec::new(),
            committing: None,
            committed: 0,
            status: Status::Running,
            body_result: None,
            waiting_since: None,
            fault: None,
            held: false,
            children_run_on: true,
            compensating: None,
            deaths: 0,
            kept: BTreeSet::new(),
            parked: None,
            drive: Drive::default(),
            #[cfg(debug_assertions)]
            facts: super::recount::Facts::default(),
        }
    }

    /// A machine for a run that was claimed, with its journal and mailbox.
    ///
    /// # Errors
    ///
    /// When the journal names an operation that the workflow does not have, or one of another kind:
    /// found before any user code runs.
    pub fn load(
        identity: Identity,
        limits: MachineLimits,
        mut run: LoadedRun,
    ) -> Result<Self, Nondeterminism> {
        let graph = identity.blueprint.graph();
        if graph.has_renames() {
            for event in &mut run.events {
                event.step = event.step.take().map(|step| graph.present(step));
            }
        }
        let mut machine = Self::start(identity, limits, run.created_at);
        machine.status = run.status.claimed();
        for event in &run.events {
            machine.account(event);
            machine.latest = machine.latest.max(event.at);
        }
        machine.recorded = machine.ledger.len;
        machine.deaths = run.deaths;
        machine.came_to_rest = run.status == Status::Suspended;
        machine.committed = machine.ledger.len;
        // A run that is to be canceled needs no code that fits its journal.
        let canceled = run.mail.iter().any(|mail| mail.kind.cancels());
        if machine.ledger.cause.is_none() && !canceled {
            for (position, event) in (0..).zip(&run.events) {
                machine.check_recorded(position, event)?;
            }
            machine.undelivered = run.events.into();
        }
        if let Some(last) = run.mail.last() {
            machine.mailbox.seen = last.id;
        }
        run.mail
            .into_iter()
            .for_each(|mail| machine.handle_mail(mail));
        Ok(machine)
    }

    /// Who the run is.
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// Tells the time. It never runs backwards for a machine.
    pub(super) fn set_time(&mut self, now: Timestamp) {
        self.wall = self.wall.max(now);
    }

    // What the body's operations ask.

    /// Fixes the identity of the operation that the body builds now.
    pub fn build(&mut self, scope: &str, name: &'static str) -> OperationIndex {
        self.operations.build(scope, name)
    }

    /// Fixes the identity of what the body begins now: an operation, or the scope of a fragment.
    pub fn enter(&mut self, scope: &str, name: &'static str) -> StepId {
        self.operations.enter(scope, name)
    }

    /// The identity of an operation.
    pub fn step_id(&self, index: OperationIndex) -> &StepId {
        &self.operations[index].id
    }

    /// Asks for what an operation came to; the first time, with what it is to do. `None`: not yet; `waker`
    /// is woken.
    pub fn poll_wait(
        &mut self,
        index: OperationIndex,
        waker: &Waker,
        work: Option<Box<dyn Work>>,
    ) -> Option<Resolution> {
        if let Some(work) = work {
            self.ask(index, work);
        }
        let resolution = self.operations.take(index);
        if resolution.is_none() {
            self.operations.wake_by(index, waker);
        }
        resolution
    }

    /// Tells that the body let go of an operation.
    pub fn drop_operation(&mut self, index: OperationIndex) {
        if !self.operations[index].is_outstanding() || self.ledger.cause.is_some() {
            return;
        }
        let leaves_traces = self.with(index, |work, place| work.leaves_traces(place));
        self.operations.note_dropped(index);
        if leaves_traces == Some(true) {
            self.abandoned.push(index);
        }
    }

    /// Tells that a recorded value does not decode: the run cannot go on with this build.
    pub fn report_undecodable(&mut self, index: OperationIndex, error: &dyn std::fmt::Display) {
        let step = self.operations[index].id.clone();
        let fault = Nondeterminism::undecodable(&step, error, self.source_of(Some(&step)));
        self.fault.get_or_insert(fault);
    }

    /// The time as the body may see it: of the event delivered last.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// The next number of the run's own random stream.
    pub fn random(&mut self) -> u64 {
        self.random.next()
    }

    /// Whether what the body does now, it has done before: recorded events are still being delivered, or
    /// it does what a run that was suspended had done after the last of them. After a crash in the
    /// middle of that, nobody knows.
    pub fn is_replaying(&self) -> bool {
        let is_known = self.delivered < self.recorded || self.came_to_rest;
        is_known && self.ledger.cause.is_none()
    }

    /// The body asks for an operation, if it has not yet.
    pub(super) fn ask(&mut self, index: OperationIndex, work: Box<dyn Work>) {
        let operation = &self.operations[index];
        if *operation.state() != State::Built || operation.is_dropped() {
            return;
        }
        *self.operations.work(index) = Some(work);
        self.with(index, |work, place| work.ask(place));
        self.operations.set(index, State::Asked);
        self.fresh.push_back(index);
    }

    /// Too large a value is a failure of the step that made it, and is never written.
    pub(crate) fn check_size(&self, payload: Payload) -> Resolution {
        match crate::limits::check_payload(&payload, self.limits.payload_bytes_max, "the value") {
            Ok(()) => Ok(payload),
            Err(message) => {
                Err(Failure::new(crate::failure::FailureKind::Payload, message).permanent())
            }
        }
    }

    // What the rest of the core shares.

    /// Adds an event to the journal-to-be.
    pub(super) fn propose(&mut self, step: Option<StepId>, kind: EventKind) {
        // The clock of another worker may have been ahead: a journal's times never run backwards.
        self.latest = self.latest.max(self.wall);
        let event = Event {
            at: self.latest,
            step,
            kind,
        };
        observe::run::proposed(&self.identity.id, &event);
        self.account(&event);
        if self.ledger.cause.is_some() {
            // The body does not run again: what has not reached it is for nobody.
            self.undelivered.clear();
        } else if !event.kind.is_terminal() {
            self.undelivered.push_back(event.clone());
        }
        self.uncommitted.push(event);
    }

    /// Takes an event into account that is recorded, or is to be.
    fn account(&mut self, event: &Event) {
        self.ledger.apply(event, self.identity.blueprint);
        #[cfg(debug_assertions)]
        self.facts.note(event);
    }

    /// Where in the source an operation is, for messages.
    pub(super) fn source_of(&self, step: Option<&StepId>) -> String {
        let blueprint = self.identity.blueprint;
        let (file, line) = blueprint.place();
        let found = step.and_then(|step| blueprint.graph().locate(step));
        let (file, line) = found.map_or((file, line), |found| {
            (found.file.unwrap_or(file), found.operation.line)
        });
        format!("workflow `{}` in {file}:{line}", blueprint.name())
    }
}
