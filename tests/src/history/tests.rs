//! Histories that must pass, and what must not.

use durable::{
    Failure, FailureKind, Status,
    journal::{Event, EventKind, Payload, RunId, StepId, Timestamp},
};

use super::{Ack, Effect, History, Life, Part, RecordedRun, Violation, check};

fn json(text: &str) -> Payload {
    Payload::from_bytes(text.as_bytes())
}

fn event(step: Option<&'static str>, kind: EventKind) -> Event {
    Event {
        at: Timestamp::from_micros(1),
        step: step.map(|step| StepId::new("", step, 0)),
        kind,
    }
}

fn step_completed(step: &'static str) -> Event {
    let output = json("1");
    event(Some(step), EventKind::StepCompleted { output })
}

fn received(number: u32, token: &str) -> Event {
    let payload = Payload::encode(&part(number, token)).unwrap();
    event(Some("part"), EventKind::SignalReceived { payload })
}

fn part(number: u32, token: &str) -> Part {
    let token = token.to_owned();
    Part { number, token }
}

fn completed(output: &str) -> Event {
    let output = json(output);
    event(None, EventKind::Completed { output })
}

fn failure() -> Failure {
    Failure::new(FailureKind::Application, "no")
}

fn run(id: &str, status: Status, events: Vec<Event>) -> RecordedRun {
    RecordedRun {
        run: 1,
        id: id.to_owned(),
        status,
        epoch: 2,
        events: (0..).zip(events).collect(),
    }
}

fn effect(life: &str, step: &str) -> Effect {
    Effect {
        life: life.to_owned(),
        run: "a".to_owned(),
        step: step.to_owned(),
        key: format!("a/{step}"),
        attempt: 1,
    }
}

/// A run that went well: two lives, the second of which executed `pay` again.
fn sound() -> History {
    let signaled = |token| Ack::Signaled {
        run: "a".to_owned(),
        part: part(0, token),
    };
    History {
        acks: vec![
            Ack::Started {
                run: "a".to_owned(),
            },
            signaled("x"),
            Ack::Ended {
                run: "a".to_owned(),
                output: Some("7".to_owned()),
            },
        ],
        effects: vec![effect("one", "pay"), effect("two", "pay")],
        lives: [
            ("one".to_owned(), ended()),
            ("two".to_owned(), Life::default()),
        ]
        .into(),
        runs: vec![run(
            "a",
            Status::Completed,
            vec![step_completed("pay"), received(0, "x"), completed("7")],
        )],
        idle_in_transaction: 0,
    }
}

fn ended() -> Life {
    Life {
        ended: true,
        ..Life::default()
    }
}

/// Asserts that exactly one thing is found, and gives it.
fn only(history: &History) -> Violation {
    let report = check(history);
    let [violation] = &report.violations[..] else {
        panic!("{:#?}", report.violations);
    };
    violation.clone()
}

fn assert_lost(history: &History) {
    assert!(matches!(only(history), Violation::Lost(_)));
}

fn assert_duplicated(history: &History) {
    assert!(matches!(only(history), Violation::Duplicated(_)));
}

fn assert_broken(history: &History) {
    assert!(matches!(only(history), Violation::Broken(_)));
}

#[test]
fn a_sound_history_passes_and_is_counted() {
    let report = check(&sound());
    assert_eq!(report.violations, []);
    assert_eq!(
        (report.runs, report.acknowledged, report.repeated),
        (1, 3, 1)
    );
    assert_eq!((report.lost(), report.duplicated()), (0, 0));
}

#[test]
fn a_started_run_that_is_not_there_is_lost() {
    let mut history = sound();
    history.acks = vec![Ack::Started {
        run: "b".to_owned(),
    }];
    assert_lost(&history);
}

#[test]
fn a_signal_that_never_came_is_lost() {
    let mut history = sound();
    history.acks.push(Ack::Signaled {
        run: "a".to_owned(),
        part: part(1, "y"),
    });
    assert_lost(&history);
}

#[test]
fn a_signal_that_came_under_another_token_is_not_lost() {
    let mut history = sound();
    history.acks.push(Ack::Signaled {
        run: "a".to_owned(),
        part: part(0, "late"),
    });
    assert_eq!(check(&history).violations, []);
}

#[test]
fn a_result_that_changed_is_lost() {
    let mut history = sound();
    history.runs[0].events[2].1 = completed("8");
    assert_lost(&history);
}

#[test]
fn a_result_of_a_run_that_goes_on_is_lost() {
    let mut history = sound();
    history.runs[0].events.pop();
    history.runs[0].status = Status::Running;
    let report = check(&history);
    assert_eq!(report.lost(), 1, "{:#?}", report.violations);
}

#[test]
fn a_signal_received_twice_is_a_duplicate() {
    let mut history = sound();
    let mut again = received(0, "x");
    again.step = Some(StepId::new("", "part", 1));
    history.runs[0].events.insert(2, (2, again));
    history.runs[0].events[3].0 = 3;
    assert_duplicated(&history);
}

#[test]
fn a_step_recorded_twice_is_a_duplicate() {
    let mut history = sound();
    history.runs[0].events[1].1 = step_completed("pay");
    history
        .acks
        .retain(|ack| !matches!(ack, Ack::Signaled { .. }));
    assert_duplicated(&history);
}

#[test]
fn a_run_that_ends_twice_is_a_duplicate() {
    let mut history = sound();
    history.runs[0].events.push((3, completed("7")));
    assert_duplicated(&history);
}

#[test]
fn two_executions_in_a_life_that_lost_nothing_are_a_duplicate() {
    let mut history = sound();
    history.effects = vec![effect("two", "pay"), effect("two", "pay")];
    assert_duplicated(&history);
}

#[test]
fn an_execution_beside_one_whose_process_kept_the_run_is_a_duplicate() {
    let mut history = sound();
    history.lives.insert("one".to_owned(), Life::default());
    assert_duplicated(&history);
}

#[test]
fn an_execution_after_a_lost_lease_or_a_lost_run_is_none() {
    for life in [
        Life {
            lease_losses: 1,
            ..Life::default()
        },
        Life {
            lost_runs: vec![1],
            ..Life::default()
        },
    ] {
        let mut history = sound();
        history.lives.insert("one".to_owned(), life);
        assert_eq!(check(&history).violations, []);
    }
}

#[test]
fn a_process_that_lost_another_run_has_not_lost_this_one() {
    let mut history = sound();
    let life = Life {
        lost_runs: vec![2],
        ..Life::default()
    };
    history.lives.insert("one".to_owned(), life);
    assert_duplicated(&history);
}

#[test]
fn more_executions_than_claims_are_a_duplicate() {
    let mut history = sound();
    history.runs[0].epoch = 1;
    assert_duplicated(&history);
}

#[test]
fn a_gap_in_a_journal_is_found() {
    let mut history = sound();
    history.runs[0].events[2].0 = 3;
    assert_broken(&history);
}

#[test]
fn a_run_that_has_not_ended_is_found() {
    let mut history = sound();
    history.runs[0].events.pop();
    history.runs[0].status = Status::Suspended;
    history.acks.pop();
    assert_broken(&history);
}

#[test]
fn a_status_that_is_not_the_journals_is_found() {
    let mut history = sound();
    history.runs[0].status = Status::Failed;
    assert_broken(&history);
}

#[test]
fn a_result_without_an_execution_is_found() {
    let mut history = sound();
    history.effects.clear();
    assert_broken(&history);
}

/// A failed run that had charged.
fn undone(undo: Option<Event>) -> History {
    let mut events = vec![
        step_completed("charge"),
        event(None, EventKind::RollbackStarted { failure: failure() }),
    ];
    events.extend(undo);
    events.push(event(None, EventKind::Failed { failure: failure() }));
    History {
        effects: vec![effect("one", "charge")],
        runs: vec![run("a", Status::Failed, events)],
        ..History::default()
    }
}

#[test]
fn a_step_of_a_failed_run_that_was_not_undone_is_found() {
    let compensated = event(Some("charge"), EventKind::Compensated);
    assert_eq!(check(&undone(Some(compensated))).violations, []);
    assert_broken(&undone(None));
}

/// A run with a child that gave `given`, of which the parent recorded `taken`.
fn family(given: Option<&str>, taken: &str) -> History {
    let started = event(
        Some("child"),
        EventKind::ChildStarted {
            child: RunId::from_recorded("a/child"),
        },
    );
    let output = json(taken);
    let ended = event(Some("child"), EventKind::ChildCompleted { output });
    let parent = run("a", Status::Completed, vec![started, ended, completed("1")]);
    let child = given.map(|given| run("a/child", Status::Completed, vec![completed(given)]));
    History {
        runs: [Some(parent), child].into_iter().flatten().collect(),
        ..History::default()
    }
}

#[test]
fn a_child_gives_its_parent_what_it_returned() {
    assert_eq!(check(&family(Some("5"), "5")).violations, []);
    assert_broken(&family(Some("5"), "6"));
    assert_eq!(check(&family(None, "5")).lost(), 1);
}

#[test]
fn a_connection_left_in_a_transaction_is_found() {
    let mut history = sound();
    history.idle_in_transaction = 1;
    assert_broken(&history);
}
