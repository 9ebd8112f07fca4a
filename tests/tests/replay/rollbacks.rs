//! Rollbacks of the pure core: whatever comes to a run, in whatever order and however much of it at
//! once, it ends, and what it did is undone.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Wake, Waker},
};

use durable::{
    Failure, FailureKind, Retry, Status,
    journal::{
        Epoch, Event, EventKind, MailId, Payload, RunId, RunKey, StepId, Timestamp, WorkerId,
    },
    store::{Commit, LoadedRun, Mail, MailKind},
};
use durable_runtime::replay::{
    ChildWork, Identity, Machine, MachineLimits, Moment, OperationIndex, Report, Residency,
    StepPoll, Turn,
};
use durable_tests::program::DEFINITION;

const LIMITS: MachineLimits = MachineLimits {
    history_max: 1_000,
    payload_bytes_max: 1_000,
    commit_bytes_max: 100_000,
    cancel_grace: std::time::Duration::from_secs(10),
};
const STAYS: Residency = Residency {
    linger: std::time::Duration::from_secs(5),
    pressed: false,
};

/// A run as the database has it.
#[derive(Debug, Clone, Default)]
struct Database {
    status: Option<Status>,
    epoch: i64,
    events: Vec<Event>,
    mail: Vec<Mail>,
    undone: Vec<StepId>,
}

/// Whether the body was woken.
struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// A run whose body awaits a step that can be undone, and then so many children at once.
struct Body {
    machine: Machine,
    woken: Arc<Woken>,
    compensates: bool,
    step: OperationIndex,
    children: Vec<OperationIndex>,
    resolved: usize,
}

impl Body {
    fn load(database: &mut Database, children: usize) -> Self {
        database.epoch += 1;
        let identity = Identity {
            run: RunKey::new(1),
            id: RunId::from_recorded("run"),
            created_at: Timestamp::MIN,
            epoch: Epoch::new(database.epoch),
            worker: WorkerId::new(1),
            seed: 7,
            parent: None,
            blueprint: &DEFINITION,
        };
        let loaded = LoadedRun {
            run: identity.run,
            id: identity.id.clone(),
            workflow: DEFINITION.name.to_owned(),
            status: database.status.unwrap_or(Status::Pending),
            epoch: identity.epoch,
            input: null(),
            seed: 7,
            parent: None,
            created_at: Timestamp::MIN,
            deaths: 0,
            events: database.events.clone(),
            mail: database.mail.clone(),
        };
        let mut machine = Machine::load(identity, LIMITS, loaded).unwrap();
        let step = machine.build("", "saga_0");
        let children = (0..children).map(|_| machine.build("", "child")).collect();
        Self {
            machine,
            woken: Arc::new(Woken(AtomicBool::new(true))),
            compensates: false,
            step,
            children,
            resolved: 0,
        }
    }

    /// What the body, or the compensation that runs, does when it is polled.
    fn poll(&mut self) {
        if std::mem::take(&mut self.compensates) {
            return self.machine.report(Report::Ended(Ok(null())));
        }
        let machine = &mut self.machine;
        let waker = Waker::from(Arc::clone(&self.woken));
        match machine.poll_step(self.step, &waker, None) {
            StepPoll::Execute { .. } => {
                let output = Payload::from_bytes(*b"1");
                machine.handle_attempt(self.step, Ok(output), &Retry::exponential());
                return;
            }
            StepPoll::Done(_) => self.resolved += 1,
            _ if self.resolved == 0 => return,
            _ => {}
        }
        for child in &self.children {
            let work = Box::new(ChildWork {
                workflow: "interpreter",
                input: Ok(null()),
            });
            let resolved = machine.poll_wait(*child, &waker, Some(work));
            self.resolved += usize::from(resolved.is_some());
        }
        if self.resolved == 1 + self.children.len() {
            machine.report(Report::Ended(Ok(null())));
        }
    }

    /// Goes on until nothing moves, as the worker does; what is committed goes to the database. So many
    /// commits are made before the worker dies.
    fn drive(&mut self, database: &mut Database, mut commits: usize) -> bool {
        let mut something_came = false;
        loop {
            let turn = self.machine.turn(&Moment {
                now: Timestamp::from_micros(1_000),
                may_start: true,
                residency: STAYS,
                woken: &self.woken.0,
                is_cancel_awaited: false,
            });
            match turn {
                Turn::Poll { .. } => self.poll(),
                Turn::Compensate(next) => {
                    database.undone.push(next.step);
                    self.compensates = true;
                }
                Turn::Commit(_) if commits == 0 => return false,
                Turn::Commit(commit) => {
                    commits -= 1;
                    let events = commit.events.len();
                    if database.write(commit) {
                        return true;
                    }
                    self.machine.report(Report::Committed { events });
                    something_came = true;
                }
                Turn::Rest(_) if something_came => something_came = false,
                Turn::Rest(_) | Turn::Leave => return true,
                Turn::Begin { .. } | Turn::Cancel | Turn::Drop => {}
            }
        }
    }
}

impl Database {
    /// Takes a commit in; whether the run has ended with it.
    fn write(&mut self, commit: Commit) -> bool {
        self.events.extend(commit.events);
        self.mail.retain(|mail| !commit.consumed.contains(&mail.id));
        let before = match self.status {
            // What a claim makes of it.
            None | Some(Status::Pending | Status::Parked) => Status::Running,
            Some(status) => status,
        };
        let after = commit.update.map_or(before, |update| update.status);
        assert!(before.may_become(after), "{before} became {after}");
        self.status = Some(after);
        after.is_terminal()
    }
}

fn null() -> Payload {
    Payload::from_bytes(*b"null")
}

/// What comes to the run: its cancellation, another piece of mail, and the ends of its children.
fn arrivals(children: usize, other: MailKind) -> Vec<MailKind> {
    let end = |number: usize| MailKind::Child {
        step: StepId::new("", "child", u32::try_from(number).unwrap()),
        outcome: match number % 2 {
            0 => Ok(null()),
            _ => Err(Failure::new(FailureKind::Canceled, "canceled")),
        },
    };
    let mut mail = vec![MailKind::Cancel, other];
    mail.extend((0..children).map(end));
    mail
}

fn permutations(mail: &[MailKind]) -> Vec<Vec<MailKind>> {
    if mail.is_empty() {
        return vec![Vec::new()];
    }
    (0..mail.len())
        .flat_map(|first| {
            let mut rest = mail.to_vec();
            let first = rest.remove(first);
            permutations(&rest).into_iter().map(move |mut rest| {
                rest.insert(0, first.clone());
                rest
            })
        })
        .collect()
}

/// Lets mail come in groups: one after another where a bit of `cuts` is set, together where it is not.
/// The worker dies at its commit number `dies_at` after the first group has come, and another goes on.
fn run(order: &[MailKind], cuts: usize, dies_at: usize, children: usize) -> Database {
    let mut database = Database::default();
    let mut body = Body::load(&mut database, children);
    assert!(body.drive(&mut database, usize::MAX));
    let mut dies_at = Some(dies_at);
    for (number, kind) in order.iter().enumerate() {
        let mail = Mail {
            id: MailId::new(i64::try_from(number).unwrap() + 1),
            kind: kind.clone(),
        };
        if database.status.is_some_and(Status::is_terminal) {
            break;
        }
        database.mail.push(mail.clone());
        body.machine.report(Report::Mail(mail));
        if cuts & (1 << number) == 0 && number + 1 < order.len() {
            continue;
        }
        if !body.drive(&mut database, dies_at.take().unwrap_or(usize::MAX)) {
            body = Body::load(&mut database, children);
            body.drive(&mut database, usize::MAX);
        }
    }
    database
}

/// Every order, cut into groups in every way, with a death at each of the first commits.
fn every_way(children: usize, other: &MailKind, check: impl Fn(&Database, &str)) {
    for order in permutations(&arrivals(children, other.clone())) {
        for cuts in 0..1 << (order.len() - 1) {
            for dies_at in [0, 1, 2, 3, usize::MAX] {
                let case = format!("{order:?}, cut {cuts:b}, dies at {dies_at}");
                check(&run(&order, cuts, dies_at, children), &case);
            }
        }
    }
}

impl Database {
    fn has(&self, kind: &EventKind) -> bool {
        self.events.iter().any(|event| event.kind == *kind)
    }

    fn last(&self) -> &EventKind {
        &self.events.last().unwrap().kind
    }
}

#[test]
fn a_run_that_is_canceled_while_its_children_end_is_undone_whatever_comes_together() {
    // One that nobody awaits.
    let signal = MailKind::Signal {
        name: "signal_0".to_owned(),
        payload: null(),
    };
    every_way(3, &signal, |database, case| {
        if database.has(&EventKind::CancelRequested) {
            assert_eq!(database.last(), &EventKind::Canceled, "{case}");
            assert!(!database.undone.is_empty(), "{case}");
        } else {
            // The children had all ended before the cancellation was seen.
            assert_eq!(database.last().name(), "completed", "{case}");
        }
    });
}

#[test]
fn a_rollback_that_is_abandoned_ends_whatever_comes_together_and_says_what_is_not_undone() {
    every_way(3, &MailKind::AbandonRollback, |database, case| {
        let named = match database.last() {
            EventKind::Failed { failure } => failure.compensations().len(),
            EventKind::Canceled => 0,
            other => return assert_eq!(other.name(), "completed", "{case}"),
        };
        let undone = database.has(&EventKind::Compensated);
        assert_eq!(named, usize::from(!undone), "{case}");
        let abandoned = database.has(&EventKind::RollbackAbandoned);
        assert!(undone || abandoned, "{case}");
    });
}
