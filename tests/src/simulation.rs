//! Programs of the [interpreter](crate::program) in virtual time, and what must be true of each run
//! that has ended, whatever it went through.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use durable::{
    Clock, Engine, Error, ErrorKind, Failure, FailureKind, Workflow,
    graph::Registry,
    journal::{Event, EventKind, Payload, RunId, StepId, Timestamp},
    store::{
        Batch, MailKind, MailTarget, MemoryStore, NewMail, NewRun, RunQuery, Store, StoreError,
    },
    testing::VirtualClock,
};

use crate::program::{DEFINITION, Effects, Interpreter, Op};

/// The id of the run that a simulation starts.
pub const RUN: &str = "run";

const ALL_RUNS: RunQuery = RunQuery {
    statuses: Vec::new(),
    workflow: None,
    parent: None,
    before: None,
    limit: 1_000,
};

/// A lease, and a bit.
const LEASE_AND_MORE: Duration = Duration::from_secs(16);

/// A database, a clock, and what was executed.
#[derive(Debug, Clone, Default)]
pub struct Simulation {
    /// The database.
    pub store: MemoryStore,
    /// The time.
    pub clock: VirtualClock,
    /// What was executed.
    pub effects: Effects,
}

/// A program, and what reaches it from outside.
#[derive(Debug, Clone)]
pub struct Case {
    /// What it does.
    pub program: Vec<Op>,
    /// The signals that wait for it when it starts: their names and payloads.
    pub signals: Vec<(u8, u32)>,
    /// How long after its start it is asked to cancel.
    pub cancel_after: Option<Duration>,
}

impl From<Vec<Op>> for Case {
    fn from(program: Vec<Op>) -> Self {
        Self {
            program,
            signals: Vec::new(),
            cancel_after: None,
        }
    }
}

impl Case {
    /// Its run, as yet without an owner. The seed is always the same.
    pub fn new_run(&self, at: Timestamp) -> NewRun {
        NewRun {
            id: RunId::from_recorded(RUN),
            workflow: Interpreter::NAME.to_owned(),
            input: Payload::encode(&self.program).unwrap_or_else(|_| Payload::from_bytes(*b"null")),
            seed: 42,
            at,
            parent: None,
            owner: None,
        }
    }

    /// Its signals, as mail.
    pub fn mail(&self, at: Timestamp) -> impl Iterator<Item = NewMail> {
        self.signals.iter().map(move |(name, payload)| NewMail {
            to: MailTarget::Id(RunId::from_recorded(RUN)),
            kind: MailKind::Signal {
                name: format!("signal_{}", name % 2),
                payload: Payload::from_bytes(payload.to_string().into_bytes()),
            },
            at,
        })
    }
}

impl Simulation {
    /// An engine on a store: this simulation's, or one that wraps it.
    ///
    /// # Errors
    ///
    /// As [`EngineBuilder::start`](durable::EngineBuilder::start).
    pub async fn engine(&self, store: impl Store) -> Result<Engine, Error> {
        Engine::builder()
            .state(self.effects.clone())
            .state(self.clock.clone())
            .clock(self.clock.clone())
            .registry(Registry::of([&DEFINITION])?)
            .start(store)
            .await
    }

    /// Puts a case's run and its signals into the database, for the next engine to find.
    ///
    /// # Errors
    ///
    /// None with a memory store.
    pub async fn insert(&self, case: &Case) -> Result<(), StoreError> {
        let now = self.clock.now();
        let batch = Batch {
            starts: vec![case.new_run(now)],
            mail: case.mail(now).collect(),
            ..Batch::default()
        };
        self.store.commit(&batch).await.map(drop)
    }

    /// Waits for the run and all its children to end, however they do; asks the run to cancel before,
    /// when that is the case's.
    ///
    /// # Errors
    ///
    /// All but that the run has failed or was canceled.
    pub async fn finish(&self, engine: &Engine, case: &Case) -> Result<(), Error> {
        let run = engine.client().attach::<Interpreter>(RUN).await?;
        if let Some(after) = case.cancel_after {
            self.clock.advance(after).await;
            match run.cancel().await {
                Err(error)
                    if !matches!(error.kind(), ErrorKind::Ended | ErrorKind::RollingBack) =>
                {
                    return Err(error);
                }
                _ => {}
            }
        }
        end_of(run.result().await)?;
        // Children that nobody waits for any more end later, and may have children.
        while let Some(id) = self.running().await? {
            let child = engine.client().attach_by_id(id).await?;
            end_of(child.result_json().await)?;
        }
        Ok(())
    }

    /// A run that has not ended.
    async fn running(&self) -> Result<Option<RunId>, StoreError> {
        let runs = self.store.list(&ALL_RUNS).await?.runs;
        let running = runs.into_iter().find(|run| !run.status.is_terminal());
        Ok(running.map(|run| run.id))
    }

    /// Lets so much time pass that dead workers lose their runs. No engine may be running.
    pub async fn outlive_leases(&self) {
        self.clock.advance(LEASE_AND_MORE).await;
    }

    /// Every run's journal, by the run's id.
    ///
    /// # Errors
    ///
    /// None with a memory store.
    pub async fn journals(&self) -> Result<Journals, StoreError> {
        let mut journals = BTreeMap::new();
        for run in self.store.list(&ALL_RUNS).await?.runs {
            let journal = self.store.history(run.run).await?;
            journals.insert(run.id.to_string(), journal);
        }
        Ok(journals)
    }
}

fn end_of<T>(result: Result<T, Error>) -> Result<(), Error> {
    match result {
        Err(error) if !matches!(error.kind(), ErrorKind::Failed | ErrorKind::Canceled) => {
            Err(error)
        }
        _ => Ok(()),
    }
}

/// Journals by run id.
pub type Journals = BTreeMap<String, Vec<Event>>;

/// Says what is wrong with runs that have all ended; nothing when they are in good order. `lives`: how
/// many workers may have executed the same attempt, since all but the last died.
pub fn faults(journals: &Journals, effects: &BTreeMap<String, u32>, lives: u32) -> Vec<String> {
    let effects = effects.iter().map(|(key, count)| (body_of(key), *count));
    let effects = effects.collect();
    let mut faults = Vec::new();
    let mut executable = BTreeMap::new();
    for (run, journal) in journals {
        let mut run = RunCheck::new(run);
        for event in journal {
            run.apply(event);
        }
        run.end(journal, &effects, lives);
        executable.append(&mut run.executions);
        faults.append(&mut run.faults);
    }
    // Undone, though nothing says that it was to be.
    for key in effects.keys().filter(|key| key.ends_with("/compensate")) {
        if !executable.contains_key(*key) {
            faults.push(format!("{key} was executed and is in no journal"));
        }
    }
    faults
}

/// Says which effects took place in runs that failed or were canceled, and were not undone, or more than
/// once; and which were undone in runs that completed.
pub fn left_standing(journals: &Journals, effects: &Effects) -> Vec<String> {
    let mut faults = Vec::new();
    let executed = effects.counts();
    for key in effects.done() {
        let Some((run, step)) = body_of(&key).rsplit_once('/') else {
            continue;
        };
        let journal = journals.get(run).map(Vec::as_slice).unwrap_or_default();
        let completed = matches!(
            journal.last().map(|event| &event.kind),
            Some(EventKind::Completed { .. })
        );
        let undone = journal.iter().filter(|event| {
            let is_step = event.step.as_ref().is_some_and(|id| id.as_str() == step);
            is_step && event.kind == EventKind::Compensated
        });
        let undone = undone.count();
        let seed = key.len() - body_of(&key).len();
        let (body, seed) = key.split_at(key.len() - seed);
        let compensated = executed.contains_key(&format!("{body}/compensate{seed}"));
        if undone != usize::from(!completed) || compensated == completed {
            faults.push(format!(
                "{key} took place and was undone {undone} times; the run completed: {completed}"
            ));
        }
    }
    faults
}

/// Whether an attempt that failed like this may have had its effect.
fn is_cut_off(failure: &Failure) -> bool {
    matches!(failure.kind(), FailureKind::Timeout | FailureKind::Panicked)
}

/// An idempotency key without the seed.
fn body_of(key: &str) -> &str {
    key.rsplit_once('-').map_or(key, |(body, _seed)| body)
}

/// The check of one run.
struct RunCheck<'r> {
    run: &'r str,
    /// Steps with a compensation, in the order in which they completed.
    to_undo: Vec<StepId>,
    /// Steps that have not ended: whether an attempt runs, and whether one was cut off.
    unsettled: BTreeMap<StepId, (bool, bool)>,
    /// Steps of which the last attempt may not have been executed at all.
    interrupted: BTreeSet<StepId>,
    rolling_back: bool,
    ended: bool,
    settled: BTreeSet<StepId>,
    /// How many attempts are recorded of each step and each compensation.
    executions: BTreeMap<String, u32>,
    faults: Vec<String>,
}

impl<'r> RunCheck<'r> {
    fn new(run: &'r str) -> Self {
        Self {
            run,
            to_undo: Vec::new(),
            unsettled: BTreeMap::new(),
            interrupted: BTreeSet::new(),
            rolling_back: false,
            ended: false,
            settled: BTreeSet::new(),
            executions: BTreeMap::new(),
            faults: Vec::new(),
        }
    }

    fn fault(&mut self, what: &str) {
        self.faults.push(format!("{}: {what}", self.run));
    }

    fn count(&mut self, step: &StepId, purpose: &str) -> u32 {
        let key = format!("{}/{step}{purpose}", self.run);
        let count = self.executions.entry(key).or_default();
        *count += 1;
        *count
    }

    fn apply(&mut self, event: &Event) {
        if self.ended {
            self.fault(&format!("{event:?} comes after the end"));
        }
        match (&event.kind, &event.step) {
            (EventKind::CancelRequested | EventKind::RollbackStarted { .. }, _) => {
                if std::mem::replace(&mut self.rolling_back, true) {
                    self.fault("was rolled back twice");
                }
            }
            (EventKind::StepCompleted { .. } | EventKind::StepFailed { .. }, Some(step)) => {
                self.settle(step, event);
            }
            (
                EventKind::StepAttemptFailed {
                    attempt, failure, ..
                },
                Some(step),
            ) => {
                if self.count(step, "") != *attempt {
                    self.fault(&format!("attempt {attempt} of {step} is out of order"));
                }
                let (_, cut_off) = self.unsettled.remove(step).unwrap_or_default();
                let cut_off = cut_off || is_cut_off(failure);
                self.unsettled.insert(step.clone(), (false, cut_off));
            }
            (EventKind::StepStarted { .. }, Some(step)) => {
                let (runs, cut_off) = self.unsettled.remove(step).unwrap_or_default();
                self.unsettled.insert(step.clone(), (true, runs || cut_off));
            }
            (EventKind::StepInterrupted { .. }, Some(step)) => {
                self.interrupted.insert(step.clone());
                self.settle_as(step, true);
            }
            (EventKind::CompensationAttemptFailed { .. }, Some(step)) => {
                self.count(step, "/compensate");
            }
            (EventKind::Compensated, Some(step)) => self.undo(step),
            (kind, _) => self.ended |= kind.is_terminal(),
        }
    }

    fn settle(&mut self, step: &StepId, event: &Event) {
        let (_, cut_off) = self.unsettled.get(step).copied().unwrap_or_default();
        let may_be_done = match &event.kind {
            EventKind::StepFailed { failure } => cut_off || is_cut_off(failure),
            _ => true,
        };
        match &event.kind {
            EventKind::StepFailed { failure } if failure.kind() == FailureKind::Canceled => {
                self.interrupted.insert(step.clone());
            }
            _ => {
                self.count(step, "");
            }
        }
        self.settle_as(step, may_be_done);
    }

    fn settle_as(&mut self, step: &StepId, may_be_done: bool) {
        self.unsettled.remove(step);
        if !self.settled.insert(step.clone()) {
            self.fault(&format!("{step} was settled twice"));
        }
        if may_be_done && step.name().starts_with("saga_") {
            self.to_undo.push(step.clone());
        }
    }

    fn is_settled(&self, key: &str) -> bool {
        let step = key.get(self.run.len() + 1..).unwrap_or_default();
        let step = StepId::from_recorded(step.to_owned());
        self.settled.contains(&step) && !self.interrupted.contains(&step)
    }

    fn undo(&mut self, step: &StepId) {
        self.count(step, "/compensate");
        let next = self.to_undo.pop();
        if next.as_ref() != Some(step) || !self.rolling_back {
            self.fault(&format!("{step} was undone when {next:?} was to be"));
        }
    }

    fn end(&mut self, journal: &[Event], effects: &BTreeMap<&str, u32>, lives: u32) {
        if !self.ended {
            self.fault("has not ended");
        }
        if self.rolling_back && !self.to_undo.is_empty() {
            self.fault(&format!("{:?} were not undone", self.to_undo));
        }
        let mut unsettled = self.unsettled.iter();
        let saga = |step: &StepId| step.name().starts_with("saga_");
        if self.rolling_back && unsettled.any(|(step, state)| saga(step) && (state.0 || state.1)) {
            self.fault(&format!("{:?} have no end", self.unsettled));
        }
        if !journal.is_sorted_by_key(|event| event.at) {
            self.fault("time ran backwards");
        }
        for (key, attempts) in self.executions.clone() {
            let executed = effects.get(key.as_str()).copied().unwrap_or_default();
            // Each life but the last may have died with one more attempt under way, and the body may
            // have let go of a step in the last one.
            let let_go = !key.ends_with("/compensate") && !self.is_settled(&key);
            let most = attempts + lives - u32::from(!let_go);
            if executed < attempts || executed > most {
                self.fault(&format!(
                    "{key} has {attempts} attempts and was executed {executed} times in {lives} lives"
                ));
            }
        }
    }
}
