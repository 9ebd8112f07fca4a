//! A body as a list: what it asks for, one part after the other. It stands for user code, and says all that the
//! machine answers.

use std::{
    borrow::Cow,
    collections::{BTreeMap, VecDeque},
    task::Waker,
    time::Duration,
};

use super::shop::twice;
use crate::{
    failure::{Failure, FailureKind},
    journal::{Payload, StepId},
    replay::{
        ChildWork, Due, Machine, OperationIndex, Resolution, SignalWork, SleepWork, StepPoll, Work,
    },
};

/// An operation that the body builds.
#[derive(Debug, Clone)]
pub(super) struct Ask {
    scope: &'static str,
    name: &'static str,
    what: What,
    timeout: Option<Duration>,
    /// What an attempt of a step gives when it begins.
    gives: Option<Resolution>,
}

#[derive(Debug, Clone, Copy)]
enum What {
    Step,
    Sleep(u64),
    Signal,
    Child,
}

const fn ask(name: &'static str, what: What) -> Ask {
    Ask {
        scope: "",
        name,
        what,
        timeout: None,
        gives: None,
    }
}

/// A step whose attempts end when the test says so.
pub(super) fn step(name: &'static str) -> Ask {
    ask(name, What::Step)
}

/// A sleep of so many seconds.
pub(super) fn sleep(name: &'static str, seconds: u64) -> Ask {
    ask(name, What::Sleep(seconds))
}

pub(super) fn signal(name: &'static str) -> Ask {
    ask(name, What::Signal)
}

pub(super) fn child(name: &'static str) -> Ask {
    ask(name, What::Child)
}

impl Ask {
    /// Its attempts give this at once.
    pub(super) fn gives(mut self, value: &str) -> Self {
        self.gives = Some(Ok(value_of(value)));
        self
    }

    /// Its attempts fail at once.
    pub(super) fn fails(mut self, message: &str) -> Self {
        self.gives = Some(Err(failure(message)));
        self
    }

    pub(super) fn timeout(mut self, seconds: u64) -> Self {
        self.timeout = Some(Duration::from_secs(seconds));
        self
    }

    pub(super) fn in_scope(mut self, scope: &'static str) -> Self {
        self.scope = scope;
        self
    }
}

pub(super) fn value_of(text: &str) -> Payload {
    Payload::from_bytes(text.as_bytes())
}

pub(super) fn failure(message: &str) -> Failure {
    Failure::new(FailureKind::Application, message)
}

/// What the body does before it goes on.
#[derive(Debug, Clone)]
pub(super) enum Part {
    /// Waits for all of them; the first failure ends the body.
    All(Vec<Ask>),
    /// Waits for the first of them and lets go of the others.
    First(Vec<Ask>),
    /// Waits for something that is no operation.
    Foreign,
    /// Panics.
    Panic,
}

impl From<Ask> for Part {
    fn from(ask: Ask) -> Self {
        Self::All(vec![ask])
    }
}

pub(super) fn all<const N: usize>(asks: [Ask; N]) -> Part {
    Part::All(asks.into())
}

pub(super) fn first<const N: usize>(asks: [Ask; N]) -> Part {
    Part::First(asks.into())
}

/// An operation that was built.
#[derive(Debug)]
struct Built {
    ask: Ask,
    index: OperationIndex,
    /// What it asks for; none once it has.
    work: Option<Box<dyn Work>>,
    result: Option<Resolution>,
    is_told: bool,
}

/// The body while it runs.
#[derive(Debug)]
pub(super) struct Body {
    parts: VecDeque<Part>,
    built: Vec<Built>,
    /// Whether what is built is let go of after the first result.
    races: bool,
    ends: Resolution,
    /// Attempts that end when the body is polled next.
    pub(super) attempts: BTreeMap<String, Resolution>,
}

/// What a poll of the body came to.
pub(super) enum Polled {
    Pending,
    Ended(Resolution),
    Panicked,
}

impl Body {
    pub(super) fn new(parts: Vec<Part>, ends: Resolution) -> Self {
        Self {
            parts: parts.into(),
            built: Vec::new(),
            races: false,
            ends,
            attempts: BTreeMap::new(),
        }
    }

    /// Polls it; what it is answered is added to `seen`.
    pub(super) fn poll(
        &mut self,
        machine: &mut Machine,
        waker: &Waker,
        seen: &mut Vec<String>,
    ) -> Polled {
        loop {
            if self.built.is_empty() {
                match self.parts.pop_front() {
                    None => return Polled::Ended(self.ends.clone()),
                    Some(Part::Foreign) => {
                        self.parts.push_front(Part::Foreign);
                        return Polled::Pending;
                    }
                    Some(Part::Panic) => return Polled::Panicked,
                    Some(Part::All(asks)) => self.build(machine, asks, false),
                    Some(Part::First(asks)) => self.build(machine, asks, true),
                }
            }
            let is_decided = |body: &Self| body.built.iter().any(|one| body.decides(one));
            for position in 0..self.built.len() {
                let is_open = self.built[position].result.is_none();
                if is_open && !is_decided(self) {
                    self.ask(position, machine, waker, seen);
                }
            }
            if !is_decided(self) {
                if self.built.iter().any(|one| one.result.is_none()) {
                    return Polled::Pending;
                }
                self.built.clear();
                continue;
            }
            let results = self.built.iter().filter_map(|one| one.result.clone());
            let failure = results.filter_map(Result::err).next();
            if self.let_go(machine, waker, seen) {
                return Polled::Pending;
            }
            self.built.clear();
            if let Some(failure) = failure {
                return Polled::Ended(Err(failure));
            }
        }
    }

    /// Whether the others are let go of because of this one.
    fn decides(&self, one: &Built) -> bool {
        match &one.result {
            Some(Ok(_)) => self.races,
            Some(Err(_)) => true,
            None => false,
        }
    }

    fn build(&mut self, machine: &mut Machine, asks: Vec<Ask>, races: bool) {
        self.races = races;
        for ask in asks {
            let index = machine.build(ask.scope, ask.name);
            self.built.push(Built {
                work: work(&ask),
                ask,
                index,
                result: None,
                is_told: false,
            });
        }
    }

    fn ask(
        &mut self,
        position: usize,
        machine: &mut Machine,
        waker: &Waker,
        seen: &mut Vec<String>,
    ) {
        let one = &mut self.built[position];
        let id = machine.step_id(one.index).clone();
        let result = match one.ask.what {
            What::Step => {
                let poll = machine.poll_step(one.index, waker, one.ask.timeout);
                go_on(one, &mut self.attempts, (poll, &id), machine, seen)
            }
            _ => machine.poll_wait(one.index, waker, one.work.take()),
        };
        if let Some(result) = result {
            seen.push(match &result {
                Ok(value) => format!("{id} gave {}", text(value)),
                Err(failure) => format!("{id} failed: {}", failure.message()),
            });
            one.result = Some(result);
        }
    }

    /// Lets go of all that have no result; `true` while an attempt of one has to end.
    fn let_go(&mut self, machine: &mut Machine, waker: &Waker, seen: &mut Vec<String>) -> bool {
        let mut lingers = false;
        for one in self.built.iter_mut().filter(|one| one.result.is_none()) {
            let id = machine.step_id(one.index).clone();
            match one.ask.what {
                What::Step => {
                    let poll = machine.let_go(one.index, waker);
                    lingers |= poll.is_some();
                    if let Some(poll) = poll {
                        go_on(one, &mut self.attempts, (poll, &id), machine, seen);
                    }
                }
                _ => machine.drop_operation(one.index),
            }
        }
        lingers
    }

    /// Drops it: what it waits for is let go of.
    pub(super) fn drop(self, machine: &mut Machine) {
        for one in &self.built {
            machine.drop_operation(one.index);
        }
    }
}

fn work(ask: &Ask) -> Option<Box<dyn Work>> {
    match ask.what {
        What::Step => None,
        What::Sleep(seconds) => Some(Box::new(SleepWork(Due::After(Duration::from_secs(
            seconds,
        ))))),
        What::Signal => Some(Box::new(SignalWork {
            name: match ask.scope {
                "" => Cow::Borrowed(ask.name),
                scope => Cow::Owned(format!("{scope}/{}", ask.name)),
            },
            timeout: ask.timeout,
        })),
        What::Child => Some(Box::new(ChildWork {
            workflow: "parcel",
            input: ask.gives.clone().unwrap_or_else(|| Ok(Payload::null())),
        })),
    }
}

/// Does what a step is answered.
fn go_on(
    one: &mut Built,
    attempts: &mut BTreeMap<String, Resolution>,
    (poll, id): (StepPoll, &StepId),
    machine: &mut Machine,
    seen: &mut Vec<String>,
) -> Option<Resolution> {
    let ended = match poll {
        StepPoll::Wait => None,
        StepPoll::Done(result) => return Some(result),
        StepPoll::Execute { attempt } => {
            seen.push(format!("execute {id} {attempt}"));
            one.ask.gives.clone()
        }
        StepPoll::Continue { told } => {
            if told && !std::mem::replace(&mut one.is_told, true) {
                seen.push(format!("tell {id}"));
            }
            attempts.remove(id.as_str())
        }
        StepPoll::TimedOut => {
            seen.push(format!("give up {id}"));
            Some(Err(Failure::new(FailureKind::Timeout, "too slow")))
        }
    };
    if let Some(result) = ended {
        machine.handle_attempt(one.index, result, &twice());
    }
    None
}

pub(super) fn text(value: &Payload) -> String {
    String::from_utf8_lossy(value.as_bytes()).into_owned()
}
