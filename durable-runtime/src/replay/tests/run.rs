//! One run under test: what reaches it is fed in, and everything that its machine says to do is compared with
//! what the test expects, in order, and with nothing left over.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Wake, Waker},
    time::Duration,
};

use super::{
    body::{Body, Part, Polled, text, value_of},
    shop::Shop,
};
use crate::{
    failure::{Failure, FailureKind},
    journal::{
        Epoch, Event, EventKind, MailId, Payload, RunId, RunKey, StepId, Timestamp, WorkerId,
    },
    outcome::Outcome,
    record::{
        ChildOutcome, Commit, LoadedRun, Mail, MailKind, MailTarget, Ownership, Parent, RunUpdate,
    },
    replay::{
        Compensate, Identity, Machine, MachineLimits, Moment, Nondeterminism, Report, Residency,
        Resolution, Resting, Turn,
    },
    status::Status,
};

/// The flag that a waker sets.
#[derive(Debug, Default)]
struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Release);
    }
}

/// User code that the run holds.
#[derive(Debug)]
enum Code {
    Body(Body),
    /// What the compensation in flight comes to when it is polled.
    Compensation(Option<Resolution>),
    None,
}

/// What a test comes to.
pub(super) type Told = Result<(), Nondeterminism>;

/// A run under test.
#[derive(Debug)]
pub(super) struct Run {
    pub(super) machine: Machine,
    parts: Vec<Part>,
    ends: Resolution,
    code: Code,
    woken: Arc<Woken>,
    now: Timestamp,
    pub(super) may_start: bool,
    pub(super) pressed: bool,
    pub(super) is_cancel_awaited: bool,
    /// What compensations come to when they are polled first; `None`: the test says later.
    pub(super) undo: Option<Resolution>,
    /// What is durable.
    pub(super) journal: Vec<Event>,
    status: Status,
    in_flight: Option<Commit>,
    mail: u64,
    /// How often user code was polled, aloud and silently.
    pub(super) polls: (u32, u32),
}

pub(super) fn at(seconds: u64) -> Timestamp {
    Timestamp::MIN.after(Duration::from_secs(seconds))
}

pub(super) fn limits() -> MachineLimits {
    MachineLimits {
        history_max: 100,
        payload_bytes_max: 50,
        commit_bytes_max: 10_000,
        cancel_grace: Duration::from_secs(5),
    }
}

fn identity() -> Identity {
    Identity {
        run: RunKey::new(1),
        id: RunId::from_recorded("run"),
        created_at: at(0),
        epoch: Epoch::new(1),
        worker: WorkerId::new(7),
        seed: 42,
        parent: None,
        blueprint: &Shop,
    }
}

impl Run {
    /// A run that starts now. Its body gives `"done"` when all parts are done.
    pub(super) fn of(parts: impl IntoIterator<Item = impl Into<Part>>) -> Self {
        Self::with(limits(), parts)
    }

    pub(super) fn with(
        limits: MachineLimits,
        parts: impl IntoIterator<Item = impl Into<Part>>,
    ) -> Self {
        let machine = Machine::start(identity(), limits, at(0));
        let parts = parts.into_iter().map(Into::into).collect();
        Self::new(machine, parts, Ok(value_of("\"done\"")))
    }

    /// A run that another one waits for, as its step `child`.
    pub(super) fn of_a_parent(parts: impl IntoIterator<Item = impl Into<Part>>) -> Self {
        let mut run = Self::of(parts);
        let parent = Parent {
            run: RunKey::new(9),
            step: StepId::from_recorded("child"),
        };
        let identity = Identity {
            parent: Some(parent),
            ..identity()
        };
        run.machine = Machine::start(identity, limits(), at(0));
        run
    }

    fn new(machine: Machine, parts: Vec<Part>, ends: Resolution) -> Self {
        Self {
            machine,
            parts,
            ends,
            code: Code::None,
            woken: Arc::new(Woken(AtomicBool::new(true))),
            now: at(0),
            may_start: true,
            pressed: false,
            is_cancel_awaited: false,
            undo: Some(Ok(Payload::null())),
            journal: Vec::new(),
            status: Status::Running,
            in_flight: None,
            mail: 0,
            polls: (0, 0),
        }
    }

    /// The body fails when all parts are done.
    pub(super) fn ending(mut self, ends: Resolution) -> Self {
        self.ends = ends;
        self
    }

    // What reaches the run.

    pub(super) fn time(&mut self, seconds: u64) -> &mut Self {
        self.now = at(seconds);
        self
    }

    /// The commit that is in flight is durable.
    pub(super) fn durable(&mut self) -> &mut Self {
        let commit = self.in_flight.take().expect("a commit in flight");
        let events = commit.events.len();
        assert_eq!(commit.position as usize, self.journal.len(), "its position");
        self.journal.extend(commit.events);
        if let Some(update) = commit.update {
            self.status = update.status;
        }
        self.machine.report(Report::Committed { events });
        self
    }

    /// The commit that is in flight is refused for good.
    pub(super) fn refused(&mut self, reason: &str) -> &mut Self {
        self.in_flight.take().expect("a commit in flight");
        self.machine.report(Report::Refused(reason.to_owned()));
        self
    }

    /// The run cannot go on here.
    pub(super) fn parked(&mut self, reason: &str) -> &mut Self {
        self.machine.report(Report::Parked(reason.to_owned()));
        self
    }

    fn mail(&mut self, kind: MailKind) -> &mut Self {
        self.mail += 1;
        let id = MailId::new(i64::try_from(self.mail).expect("a number"));
        self.machine.report(Report::Mail(Mail { id, kind }));
        self
    }

    /// The mail that came last comes again.
    pub(super) fn signal_again(&mut self, name: &str, value: &str) -> &mut Self {
        self.mail -= 1;
        self.signal(name, value)
    }

    pub(super) fn signal(&mut self, name: &str, value: &str) -> &mut Self {
        self.mail(MailKind::Signal {
            name: name.to_owned(),
            payload: value_of(value),
        })
    }

    pub(super) fn child_ends(&mut self, step: &str, outcome: ChildOutcome) -> &mut Self {
        self.mail(MailKind::Child {
            step: StepId::from_recorded(step),
            outcome,
        })
    }

    pub(super) fn cancel(&mut self) -> &mut Self {
        self.mail(MailKind::Cancel)
    }

    pub(super) fn abandon(&mut self) -> &mut Self {
        self.mail(MailKind::AbandonRollback)
    }

    /// The attempt of a step that is in flight ends.
    pub(super) fn attempt_ends(&mut self, step: &str, result: Resolution) -> &mut Self {
        let Code::Body(body) = &mut self.code else {
            panic!("there is no body");
        };
        body.attempts.insert(step.to_owned(), result);
        Arc::clone(&self.woken).wake();
        self
    }

    /// The compensation that is in flight ends.
    pub(super) fn undo_ends(&mut self, result: Resolution) -> &mut Self {
        let Code::Compensation(ends) = &mut self.code else {
            panic!("no compensation is in flight");
        };
        *ends = Some(result);
        Arc::clone(&self.woken).wake();
        self
    }

    /// The process dies, and another one claims the run: only what is durable is there, and this mail.
    pub(super) fn crash(&mut self, mail: Vec<MailKind>) -> Result<&mut Self, Nondeterminism> {
        self.crash_to(None, mail)
    }

    /// The same, with another build of the body.
    pub(super) fn crash_to(
        &mut self,
        parts: Option<Vec<Part>>,
        mail: Vec<MailKind>,
    ) -> Result<&mut Self, Nondeterminism> {
        self.parts = parts.unwrap_or_else(|| self.parts.clone());
        let mail = (1..).zip(mail).map(|(number, kind)| Mail {
            id: MailId::new(100 + number),
            kind,
        });
        let identity = self.machine.identity().clone();
        let loaded = LoadedRun {
            run: identity.run,
            id: identity.id.clone(),
            workflow: "shop".to_owned(),
            status: self.status,
            epoch: identity.epoch,
            input: Payload::null(),
            seed: identity.seed,
            parent: identity.parent.clone(),
            created_at: identity.created_at,
            deaths: 1,
            events: self.journal.clone(),
            mail: mail.collect(),
        };
        self.machine = Machine::load(identity, self.machine.limits, loaded)?;
        self.code = Code::None;
        self.in_flight = None;
        self.polls = (0, 0);
        Arc::clone(&self.woken).wake();
        Ok(self)
    }

    // What is expected.

    /// One round: everything that is said to do, and nothing else, is this.
    #[track_caller]
    pub(super) fn does<const N: usize>(&mut self, expected: [&str; N]) -> &mut Self {
        let seen = self.round();
        assert_eq!(seen, expected);
        self
    }

    /// A round of which every commit is durable at once, and so on until nothing is said any more.
    #[track_caller]
    pub(super) fn goes<const N: usize>(&mut self, expected: [&str; N]) -> &mut Self {
        let seen = self.goes_on();
        assert_eq!(seen, expected);
        self
    }

    /// The same, for a test that compares it by itself.
    pub(super) fn goes_on(&mut self) -> Vec<String> {
        let mut seen = Vec::new();
        loop {
            seen.extend(self.round());
            if self.in_flight.is_none() {
                return seen;
            }
            // What is so while a commit is in flight.
            seen.pop();
            self.durable();
        }
    }

    /// The last mail that the run has seen, when it leaves memory in the next round.
    pub(super) fn seen_when_it_leaves(&mut self) -> Option<i64> {
        self.round();
        match self.in_flight.as_ref()?.update.as_ref()?.ownership {
            Ownership::Release { seen, .. } => Some(seen.get()),
            Ownership::Keep => None,
        }
    }

    /// Why the run is parked, by the commit that says so.
    pub(super) fn reason(&self) -> Option<String> {
        self.machine.parked.clone()
    }

    fn round(&mut self) -> Vec<String> {
        let mut seen = Vec::new();
        for _ in 0..1_000 {
            let woken = Arc::clone(&self.woken);
            let turn = self.machine.turn(&Moment {
                now: self.now,
                may_start: self.may_start,
                residency: Residency {
                    linger: Duration::from_secs(10),
                    pressed: self.pressed,
                },
                woken: &woken.0,
                is_cancel_awaited: self.is_cancel_awaited,
            });
            self.machine.recount_all();
            match turn {
                Turn::Begin { recorded } => {
                    seen.push(format!("begin {recorded}"));
                    self.code = Code::Body(Body::new(self.parts.clone(), self.ends.clone()));
                }
                Turn::Poll { silently } => self.poll(silently, &mut seen),
                Turn::Cancel => seen.push("cancel".to_owned()),
                Turn::Drop => {
                    seen.push("drop".to_owned());
                    self.drop_code();
                }
                Turn::Compensate(compensate) => {
                    seen.push(undoes(&compensate));
                    self.code = Code::Compensation(self.undo.clone());
                }
                Turn::Commit(commit) => {
                    seen.push(format!("commit {}", told(&commit)));
                    assert!(self.in_flight.replace(commit).is_none(), "one at a time");
                }
                Turn::Rest(rest) => {
                    seen.push(rests(rest));
                    return seen;
                }
                Turn::Leave => {
                    seen.push("leave".to_owned());
                    return seen;
                }
            }
        }
        panic!("no round ends: {seen:?}");
    }

    fn poll(&mut self, silently: bool, seen: &mut Vec<String>) {
        match silently {
            true => self.polls.1 += 1,
            false => self.polls.0 += 1,
        }
        let waker = Waker::from(Arc::clone(&self.woken));
        let report = match &mut self.code {
            Code::Body(body) => match body.poll(&mut self.machine, &waker, seen) {
                Polled::Pending => return,
                Polled::Ended(result) => Report::Ended(result),
                Polled::Panicked => Report::Broken("the body panicked".to_owned()),
            },
            Code::Compensation(result) => match result.take() {
                None => return,
                Some(result) => Report::Ended(result),
            },
            Code::None => panic!("there is no user code to poll"),
        };
        self.drop_code();
        self.machine.report(report);
    }

    fn drop_code(&mut self) {
        if let Code::Body(body) = std::mem::replace(&mut self.code, Code::None) {
            body.drop(&mut self.machine);
        }
    }
}

/// A second as a number, whatever is below it left out.
fn seconds(at: Timestamp) -> String {
    at.since(Timestamp::MIN).as_secs().to_string()
}

fn undoes(compensate: &Compensate) -> String {
    let outcome = match &compensate.outcome {
        Outcome::Completed(value) => text(value),
        Outcome::Unknown => "unknown".to_owned(),
    };
    let Compensate { step, attempt, .. } = compensate;
    format!("{} {step} {attempt}: {outcome}", compensate.rule.name)
}

fn rests(rest: Resting) -> String {
    let mut text = "rest".to_owned();
    if let Some(wake) = rest.wake {
        text += &format!(" until {}", seconds(wake));
    }
    if rest.is_busy {
        text += ", busy";
    }
    if rest.goes_on {
        text += ", goes on";
    }
    text
}

/// All that a commit has.
fn told(commit: &Commit) -> String {
    let events: Vec<_> = commit.events.iter().map(event).collect();
    let mut text = events.join(", ");
    for child in &commit.children {
        text += &format!("; starts {} with {}", child.id, self::text(&child.input));
    }
    for mail in &commit.outgoing {
        let to = match &mail.to {
            MailTarget::Id(id) => id.to_string(),
            MailTarget::Key(run) => run.get().to_string(),
        };
        text += &match &mail.kind {
            MailKind::Child { step, outcome } => format!(
                "; tells {to} {step}: {}",
                outcome
                    .as_ref()
                    .map_or_else(|failure| failure.message().to_owned(), self::text)
            ),
            other => format!("; sends {to} {other:?}"),
        };
    }
    if !commit.consumed.is_empty() {
        let taken: Vec<_> = commit
            .consumed
            .iter()
            .map(|id| id.get().to_string())
            .collect();
        text += &format!("; takes {}", taken.join(" "));
    }
    if let Some(update) = &commit.update {
        text += &format!("; {}", updated(update));
    }
    text.trim_start_matches("; ").to_owned()
}

fn updated(update: &RunUpdate) -> String {
    let mut text = format!("{:?}", update.status).to_lowercase();
    if let Ownership::Release { due, .. } = update.ownership {
        text += ", leaves";
        if let Some(due) = due {
            text += &format!(" until {}", seconds(due));
        }
    }
    text
}

fn event(event: &Event) -> String {
    let step = event.step.as_ref().map(|step| format!(" {step}"));
    let name = event.kind.name();
    let said = match &event.kind {
        EventKind::StepCompleted { output }
        | EventKind::ChildCompleted { output }
        | EventKind::Completed { output }
        | EventKind::SignalReceived { payload: output } => format!(" {}", text(output)),
        EventKind::StepStarted { attempt }
        | EventKind::StepInterrupted { attempt }
        | EventKind::CompensationStarted { attempt } => format!(" {attempt}"),
        EventKind::StepAttemptFailed {
            attempt, retry_at, ..
        }
        | EventKind::CompensationAttemptFailed {
            attempt, retry_at, ..
        } => format!(" {attempt} until {}", seconds(*retry_at)),
        EventKind::StepFailed { failure }
        | EventKind::ChildFailed { failure }
        | EventKind::Failed { failure } => format!(" ({})", failure.message()),
        EventKind::TimerArmed { due } | EventKind::SignalAwaited { due: Some(due) } => {
            format!(" until {}", seconds(*due))
        }
        _ => String::new(),
    };
    format!("{name}{}{said}", step.unwrap_or_default())
}

/// A failure of another kind than that of user code.
pub(super) fn failure_of(kind: FailureKind, message: &str) -> Failure {
    Failure::new(kind, message)
}
