//! The rules.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    fmt,
};

use durable::{
    Status,
    journal::{EventKind, Payload},
};

use super::{Ack, Effect, History, Part, RecordedRun};

/// Something that must not happen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Violation {
    /// What was acknowledged is not there.
    Lost(String),
    /// What may happen once happened more often.
    Duplicated(String),
    /// Records contradict each other, or something is left undone.
    Broken(String),
}

/// What the checker found.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// How many runs the database has.
    pub runs: usize,
    /// How many starts, signals and results were acknowledged.
    pub acknowledged: usize,
    /// How often bodies were cut short and executed again.
    pub repeated: usize,
    /// What must not be.
    pub violations: Vec<Violation>,
}

impl Report {
    /// How many acknowledged things are not there.
    pub fn lost(&self) -> usize {
        self.count(|violation| matches!(violation, Violation::Lost(_)))
    }

    /// How many things happened too often.
    pub fn duplicated(&self) -> usize {
        self.count(|violation| matches!(violation, Violation::Duplicated(_)))
    }

    fn count(&self, is: impl Fn(&Violation) -> bool) -> usize {
        self.violations.iter().filter(|v| is(v)).count()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} runs, {} acknowledged, {} lost, {} duplicated, {} executions repeated",
            self.runs,
            self.acknowledged,
            self.lost(),
            self.duplicated(),
            self.repeated
        )
    }
}

/// Judges a history whose system has come to rest.
pub fn check(history: &History) -> Report {
    let mut checker = Checker::new(history);
    for ack in &history.acks {
        checker.check_ack(ack);
    }
    for run in &history.runs {
        checker.check_journal(run);
        checker.check_end(run);
        checker.check_operations(run);
        checker.check_signals(run);
        checker.check_rollback(run);
        checker.check_children(run);
    }
    checker.check_executions();
    if history.idle_in_transaction != 0 {
        let count = history.idle_in_transaction;
        checker.broken(format!("{count} connections are idle in transaction"));
    }
    Report {
        runs: history.runs.len(),
        acknowledged: history.acks.len(),
        repeated: checker.repeated,
        violations: checker.violations,
    }
}

struct Checker<'h> {
    history: &'h History,
    runs: HashMap<&'h str, &'h RecordedRun>,
    executed: HashSet<(&'h str, &'h str)>,
    repeated: usize,
    violations: Vec<Violation>,
}

impl<'h> Checker<'h> {
    fn new(history: &'h History) -> Self {
        let effects = history.effects.iter();
        Self {
            history,
            runs: history.runs.iter().map(|r| (r.id.as_str(), r)).collect(),
            executed: effects.map(|e| (e.run.as_str(), e.step.as_str())).collect(),
            repeated: 0,
            violations: Vec::new(),
        }
    }

    fn lost(&mut self, what: String) {
        self.violations.push(Violation::Lost(what));
    }

    fn duplicated(&mut self, what: String) {
        self.violations.push(Violation::Duplicated(what));
    }

    fn broken(&mut self, what: String) {
        self.violations.push(Violation::Broken(what));
    }

    fn check_ack(&mut self, ack: &Ack) {
        let id = match ack {
            Ack::Started { run } | Ack::Signaled { run, .. } | Ack::Ended { run, .. } => run,
        };
        let Some(run) = self.runs.get(id.as_str()).copied() else {
            return self.lost(format!("there is no run for {ack:?}"));
        };
        match ack {
            Ack::Started { .. } => {}
            Ack::Signaled { part, .. } => {
                // The same part may have come under another token, and this one too late.
                if !parts(run).any(|received| received.number == part.number) {
                    self.lost(format!("run `{id}` never received {part:?}"));
                }
            }
            Ack::Ended { output, .. } => {
                let recorded = output_of(run);
                let recorded = recorded.as_ref().map(text);
                if !run.status.is_terminal() || recorded != *output {
                    let status = run.status;
                    self.lost(format!(
                        "run `{id}` ended with {output:?}, and is {status} with {recorded:?}"
                    ));
                }
            }
        }
    }

    fn check_journal(&mut self, run: &RecordedRun) {
        let positions = run.events.iter().map(|(position, _)| *position);
        if !positions.eq((0..).take(run.events.len())) {
            let positions: Vec<_> = run.events.iter().map(|(position, _)| position).collect();
            self.broken(format!("run `{}` has the positions {positions:?}", run.id));
        }
    }

    fn check_end(&mut self, run: &RecordedRun) {
        let ends: Vec<usize> = (0..run.events.len())
            .filter(|at| status_after(&run.events[*at].1.kind).is_some())
            .collect();
        let last = run.events.last();
        let said = last.and_then(|(_, event)| status_after(&event.kind));
        if ends.len() > 1 {
            self.duplicated(format!("run `{}` ended at {ends:?}", run.id));
        } else if said != Some(run.status) {
            let status = run.status;
            let last = last.map(|(_, event)| event.kind.name());
            self.broken(format!("run `{}` is {status}, last {last:?}", run.id));
        }
    }

    /// Each operation has one outcome, and a step's was not made up.
    fn check_operations(&mut self, run: &RecordedRun) {
        let mut seen = HashSet::new();
        for (position, event) in &run.events {
            let Some(step) = &event.step else { continue };
            let Some(outcome) = outcome(&event.kind) else {
                continue;
            };
            if !seen.insert((step.as_str(), outcome)) {
                let name = event.kind.name();
                self.duplicated(format!(
                    "run `{}`, `{step}`: a second {name} at {position}",
                    run.id
                ));
            }
            let is_step = matches!(event.kind, EventKind::StepCompleted { .. });
            if is_step && !self.executed.contains(&(&run.id, step.as_str())) {
                self.broken(format!(
                    "run `{}`, `{step}`: a result without an execution",
                    run.id
                ));
            }
        }
    }

    fn check_signals(&mut self, run: &RecordedRun) {
        let mut seen = BTreeSet::new();
        for part in parts(run) {
            if !seen.insert(part.clone()) {
                self.duplicated(format!("run `{}` received {part:?} twice", run.id));
            }
        }
    }

    /// In the workload, the steps called `charge` are compensated.
    fn check_rollback(&mut self, run: &RecordedRun) {
        let steps = |is: fn(&EventKind) -> bool| {
            run.events
                .iter()
                .filter(move |(_, event)| is(&event.kind))
                .filter_map(|(_, event)| event.step.as_ref())
                .filter(|step| step.name() == "charge")
                .map(|step| step.as_str())
                .collect::<BTreeSet<_>>()
        };
        let done = steps(|kind| matches!(kind, EventKind::StepCompleted { .. }));
        let undone = steps(|kind| matches!(kind, EventKind::Compensated));
        let expected = match run.status {
            Status::Failed | Status::Canceled => done,
            _ => BTreeSet::new(),
        };
        if undone != expected {
            self.broken(format!(
                "run `{}` is {}: compensated {undone:?}, not {expected:?}",
                run.id, run.status
            ));
        }
    }

    fn check_children(&mut self, run: &RecordedRun) {
        let mut started = HashMap::new();
        for (_, event) in &run.events {
            match (&event.kind, &event.step) {
                (EventKind::ChildStarted { child }, Some(step)) => {
                    started.insert(step.as_str(), child.as_str());
                    if !self.runs.contains_key(child.as_str()) {
                        self.lost(format!("run `{}` started `{child}`, which is not", run.id));
                    }
                }
                (EventKind::ChildCompleted { output }, Some(step)) => {
                    let child = started.get(step.as_str()).and_then(|id| self.runs.get(id));
                    let recorded = child.and_then(|child| output_of(child));
                    if recorded.as_ref() != Some(output) {
                        self.broken(format!(
                            "run `{}`, `{step}`: the child gave {recorded:?}, not {output:?}",
                            run.id
                        ));
                    }
                }
                _ => {}
            }
        }
    }

    /// A body is executed again only where its process ended or lost the run meanwhile.
    fn check_executions(&mut self) {
        let mut bodies: BTreeMap<(&str, u32), Vec<&Effect>> = BTreeMap::new();
        for effect in &self.history.effects {
            let body = bodies.entry((&effect.key, effect.attempt)).or_default();
            body.push(effect);
        }
        for ((key, attempt), executions) in bodies {
            self.repeated += executions.len() - 1;
            let run = self.runs.get(executions[0].run.as_str()).copied();
            let epoch = run.map_or(0, |run| run.epoch);
            if i64::try_from(executions.len()).is_ok_and(|count| count > epoch) {
                self.duplicated(format!(
                    "`{key}`, attempt {attempt}: more executions than claims ({epoch}): {executions:?}"
                ));
            }
            let mut in_life: BTreeMap<&str, usize> = BTreeMap::new();
            for execution in &executions {
                *in_life.entry(&execution.life).or_default() += 1;
            }
            let last = executions.last().map(|effect| effect.life.as_str());
            for (life, count) in in_life {
                let allowed = self.losses(life, run) + usize::from(Some(life) == last);
                if count > allowed {
                    self.duplicated(format!(
                        "`{key}`, attempt {attempt}: {count} executions by {life}, {allowed} allowed"
                    ));
                }
            }
        }
    }

    /// How often a process may have lost a run.
    fn losses(&self, life: &str, run: Option<&RecordedRun>) -> usize {
        let Some(life) = self.history.lives.get(life) else {
            return 0;
        };
        let lost = run.map_or(0, |run| {
            let lost = life.lost_runs.iter();
            lost.filter(|lost| **lost == run.run).count()
        });
        usize::from(life.ended) + life.lease_losses + lost
    }
}

/// The status of a run whose journal ends with this event.
fn status_after(kind: &EventKind) -> Option<Status> {
    match kind {
        EventKind::Completed { .. } => Some(Status::Completed),
        EventKind::Failed { .. } => Some(Status::Failed),
        EventKind::Canceled => Some(Status::Canceled),
        _ => None,
    }
}

/// What an operation may have one of.
fn outcome(kind: &EventKind) -> Option<&'static str> {
    match kind {
        EventKind::StepCompleted { .. }
        | EventKind::StepFailed { .. }
        | EventKind::StepInterrupted { .. }
        | EventKind::TimerFired
        | EventKind::SignalReceived { .. }
        | EventKind::ChildCompleted { .. }
        | EventKind::ChildFailed { .. } => Some("outcome"),
        EventKind::Compensated | EventKind::CompensationFailed { .. } => Some("compensation"),
        EventKind::TimerArmed { .. } => Some("timer"),
        EventKind::ChildStarted { .. } => Some("child"),
        _ => None,
    }
}

fn output_of(run: &RecordedRun) -> Option<Payload> {
    match &run.events.last()?.1.kind {
        EventKind::Completed { output } => Some(output.clone()),
        _ => None,
    }
}

fn text(payload: &Payload) -> String {
    String::from_utf8_lossy(payload.as_bytes()).into_owned()
}

fn parts(run: &RecordedRun) -> impl Iterator<Item = Part> {
    run.events
        .iter()
        .filter_map(|(_, event)| match &event.kind {
            EventKind::SignalReceived { payload } => payload.decode().ok(),
            _ => None,
        })
}
