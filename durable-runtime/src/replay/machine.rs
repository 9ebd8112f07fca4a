//! The state of one run in memory, and what the body's operations ask of it.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet, VecDeque},
    task::Waker,
    time::Duration,
};

use super::{
    Blueprint, Ledger, Nondeterminism,
    drive::Drive,
    operation::{Ask, Operation, OperationIndex, Resolution, State, StepPoll},
};
use crate::{
    failure::Failure,
    journal::{
        Epoch, Event, EventKind, MailId, Payload, RunId, RunKey, StepId, Timestamp, WorkerId,
    },
    observe,
    random::{Random, derive},
    record::{LoadedRun, Mail, NewMail, NewRun, Parent},
    retry::Retry,
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

    pub(super) operations: Vec<Operation>,
    index: BTreeMap<StepId, OperationIndex>,
    occurrences: BTreeMap<StepId, u32>,
    /// Operations asked for, of which nothing was recorded when they were.
    pub(super) fresh: VecDeque<OperationIndex>,
    /// What the body let go of and what leaves traces: children to cancel, and steps whose attempts may
    /// have had their effect.
    pub(super) abandoned: Vec<OperationIndex>,
    pub(super) timers: BTreeSet<(Timestamp, OperationIndex)>,
    pub(super) outstanding: usize,
    pub(super) busy: usize,
    pub(super) executing: usize,
    pub(super) awaiting_mail: usize,

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
    pub(super) committing: bool,
    /// How many events are durable.
    pub(super) committed: u32,

    pub(super) signals: BTreeMap<String, BTreeMap<MailId, Payload>>,
    pub(super) waiting_for: BTreeMap<Cow<'static, str>, VecDeque<OperationIndex>>,
    /// Waits of which nothing is recorded, since a signal was there when they were asked for.
    pub(super) unrecorded_waits: Vec<(OperationIndex, Option<Duration>)>,
    pub(super) mail: VecDeque<Mail>,
    /// The mail that was handed in, so that none is taken twice.
    pub(super) known: BTreeSet<MailId>,
    /// The last mail below which no other is unknown: the last one that was loaded with the run. Mail
    /// that comes while the run is in memory says nothing of what other workers put beside it.
    pub(super) seen: MailId,

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
            operations: Vec::new(),
            index: BTreeMap::new(),
            occurrences: BTreeMap::new(),
            fresh: VecDeque::new(),
            abandoned: Vec::new(),
            timers: BTreeSet::new(),
            outstanding: 0,
            busy: 0,
            executing: 0,
            awaiting_mail: 0,
            undelivered: VecDeque::new(),
            delivered: 0,
            recorded: 0,
            came_to_rest: false,
            uncommitted: Vec::new(),
            children: Vec::new(),
            outgoing: Vec::new(),
            consumed: Vec::new(),
            committing: false,
            committed: 0,
            signals: BTreeMap::new(),
            waiting_for: BTreeMap::new(),
            unrecorded_waits: Vec::new(),
            mail: VecDeque::new(),
            known: BTreeSet::new(),
            seen: MailId::new(0),
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
        // A claim sets these two to running; every other status stays.
        machine.status = match run.status {
            Status::Pending | Status::Parked => Status::Running,
            status => status,
        };
        for event in &run.events {
            machine.ledger.apply(event, machine.identity.blueprint);
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
        machine.seen = run.mail.last().map_or(machine.seen, |mail| mail.id);
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
        let id = self.enter(scope, name);
        let index = OperationIndex(self.operations.len());
        self.operations.push(Operation::new(id.clone()));
        self.index.insert(id, index);
        index
    }

    /// Fixes the identity of what the body begins now: an operation, or the scope of a fragment.
    pub fn enter(&mut self, scope: &str, name: &'static str) -> StepId {
        let first = StepId::new(scope, name, 0);
        let occurrence = self.occurrences.entry(first).or_insert(0);
        let id = StepId::new(scope, name, *occurrence);
        *occurrence += 1;
        id
    }

    /// The identity of an operation.
    pub fn step_id(&self, index: OperationIndex) -> &StepId {
        &self.operations[index.0].id
    }

    /// Asks for what a sleep, a signal or a child came to. `None`: not yet; `waker` is woken.
    pub fn poll_wait(
        &mut self,
        index: OperationIndex,
        waker: &Waker,
        ask: impl FnOnce() -> Ask,
    ) -> Option<Resolution> {
        self.ask_once(index, ask);
        self.take_resolution(index).or_else(|| {
            self.operations[index.0].waker = Some(waker.clone());
            None
        })
    }

    /// Asks what a step is to do. The deadline of an attempt is `timeout` from its start.
    pub fn poll_step(
        &mut self,
        index: OperationIndex,
        waker: &Waker,
        timeout: Option<Duration>,
    ) -> StepPoll {
        self.ask_once(index, || Ask::Step);
        if let Some(resolution) = self.take_resolution(index) {
            return StepPoll::Done(resolution);
        }
        self.operations[index.0].waker = Some(waker.clone());
        match self.operations[index.0].state {
            // A run that is being rolled back begins nothing.
            State::Ready { attempt } if self.ledger.cause.is_none() => {
                let deadline = timeout.map(|timeout| self.wall.after(timeout));
                let told = false;
                self.set_state(
                    index,
                    State::Executing {
                        attempt,
                        deadline,
                        told,
                    },
                );
                StepPoll::Execute { attempt }
            }
            State::Executing { told, .. } => StepPoll::Continue { told },
            State::Expired { .. } => StepPoll::TimedOut,
            _ => StepPoll::Wait,
        }
    }

    /// Tells how an attempt ended. The event is proposed; the step resolves when it is delivered.
    pub fn handle_attempt(&mut self, index: OperationIndex, result: Resolution, retry: &Retry) {
        let operation = &self.operations[index.0];
        let (attempt, expired) = match operation.state {
            State::Executing { attempt, .. } => (attempt, false),
            State::Expired { attempt } => (attempt, true),
            _ => return,
        };
        let (step, let_go) = (operation.id.clone(), operation.let_go);
        let repeated = std::mem::take(&mut self.operations[index.0].repeated);
        let kind = match result.and_then(|output| self.check_size(output)) {
            Ok(output) => EventKind::StepCompleted { output },
            Err(_) if let_go && expired => EventKind::StepInterrupted { attempt },
            Err(failure) if let_go => EventKind::StepFailed {
                failure: failure.at_step(&step, attempt),
            },
            Err(failure) => self.judge(&step, attempt, failure, retry),
        };
        self.set_state(index, State::Proposed);
        if repeated && !matches!(kind, EventKind::StepCompleted { .. }) {
            // It says nothing of the attempt that it repeats, which a crash cut off.
            self.propose(Some(step.clone()), EventKind::StepStarted { attempt });
        }
        self.propose(Some(step), kind);
    }

    /// Whether another attempt follows a failed one, and when. A run that is being canceled makes no
    /// further attempts.
    fn judge(&self, step: &StepId, attempt: u32, failure: Failure, retry: &Retry) -> EventKind {
        let salt = derive(self.identity.seed, step.as_str());
        match retry.next_delay(attempt, &failure, salt) {
            Some(delay) if self.ledger.cause.is_none() => EventKind::StepAttemptFailed {
                attempt,
                failure: failure.at_step(step, attempt),
                retry_at: self.wall.after(delay),
            },
            _ => EventKind::StepFailed {
                failure: failure.at_step(step, attempt),
            },
        }
    }

    /// Tells that the body let go of an operation.
    pub fn drop_operation(&mut self, index: OperationIndex) {
        let operation = &self.operations[index.0];
        if !operation.is_outstanding() || self.ledger.cause.is_some() {
            return;
        }
        let leaves_traces = match operation.ask {
            Some(Ask::Child { .. }) => true,
            Some(Ask::Step) => self.ledger.may_have_happened(&operation.id).is_some(),
            _ => false,
        };
        self.forget(index);
        let operation = &mut self.operations[index.0];
        operation.dropped = true;
        operation.waker = None;
        if leaves_traces {
            self.abandoned.push(index);
        }
    }

    /// Tells that a recorded value does not decode: the run cannot go on with this build.
    pub fn report_undecodable(&mut self, index: OperationIndex, error: &dyn std::fmt::Display) {
        let step = self.operations[index.0].id.clone();
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

    /// The steps with an attempt in flight, and which attempt.
    pub fn attempts(&self) -> Vec<(StepId, u32)> {
        let attempt = |operation: &Operation| match operation.state {
            State::Executing { attempt, .. } | State::Expired { attempt } => Some(attempt),
            _ => None,
        };
        let executing = self.operations.iter().filter(|op| op.is_executing());
        executing
            .filter_map(|operation| Some((operation.id.clone(), attempt(operation)?)))
            .collect()
    }

    /// What each attempt in flight is woken by.
    pub fn attempt_wakers(&self) -> impl Iterator<Item = &Waker> {
        let executing = self.operations.iter().filter(|op| op.is_executing());
        executing.filter_map(|operation| operation.waker.as_ref())
    }

    /// Whether what the body does now, it has done before: recorded events are still being delivered, or
    /// it does what a run that was suspended had done after the last of them. After a crash in the
    /// middle of that, nobody knows.
    pub fn is_replaying(&self) -> bool {
        let is_known = self.delivered < self.recorded || self.came_to_rest;
        is_known && self.ledger.cause.is_none()
    }

    fn ask_once(&mut self, index: OperationIndex, ask: impl FnOnce() -> Ask) {
        if self.operations[index.0].state == State::Built && !self.operations[index.0].dropped {
            let ask = ask();
            let operation = &mut self.operations[index.0];
            operation.compensated = matches!(ask, Ask::Step)
                && self.identity.blueprint.undo_rule(&operation.id).is_some();
            operation.ask = Some(ask);
            self.set_state(index, State::Asked);
            self.fresh.push_back(index);
        }
    }

    fn take_resolution(&mut self, index: OperationIndex) -> Option<Resolution> {
        if !matches!(self.operations[index.0].state, State::Resolved(_)) {
            return None;
        }
        match std::mem::replace(&mut self.operations[index.0].state, State::Taken) {
            State::Resolved(resolution) => Some(resolution),
            _ => None,
        }
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

    pub(super) fn find(&self, step: &StepId) -> Option<OperationIndex> {
        self.index.get(step).copied()
    }

    /// Changes an operation's state, and with it everything that is counted.
    pub(super) fn set_state(&mut self, index: OperationIndex, state: State) {
        self.forget(index);
        self.operations[index.0].state = state;
        let operation = &self.operations[index.0];
        self.outstanding += usize::from(operation.is_outstanding());
        self.busy += usize::from(operation.is_busy());
        self.executing += usize::from(operation.is_executing());
        self.awaiting_mail += usize::from(operation.awaits_mail());
        if let Some(due) = operation.due() {
            self.timers.insert((due, index));
        }
    }

    fn forget(&mut self, index: OperationIndex) {
        let operation = &self.operations[index.0];
        self.outstanding -= usize::from(operation.is_outstanding());
        self.busy -= usize::from(operation.is_busy());
        self.executing -= usize::from(operation.is_executing());
        self.awaiting_mail -= usize::from(operation.awaits_mail());
        if let Some(due) = operation.due() {
            self.timers.remove(&(due, index));
        }
    }

    pub(super) fn resolve(&mut self, index: OperationIndex, resolution: Resolution) {
        self.forget(index);
        self.operations[index.0].resolve(resolution);
    }

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
        self.ledger.apply(&event, self.identity.blueprint);
        if self.ledger.cause.is_some() {
            // The body does not run again: what has not reached it is for nobody.
            self.undelivered.clear();
        } else if !event.kind.is_terminal() {
            self.undelivered.push_back(event.clone());
        }
        self.uncommitted.push(event);
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
