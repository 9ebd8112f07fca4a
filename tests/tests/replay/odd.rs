//! Programs that are odd, large, or at the edge of two moments. Each is run, replayed from its journal,
//! and killed at some of its commits by what [`crate::cuts`] and [`crate::crashes`] do.

use std::time::Duration;

use durable_tests::{program::Op, simulation::Case};

use crate::{
    crashes::crash_everywhere,
    cuts::{cut, replay},
    programs::block_on,
};

fn step(name: u8) -> Op {
    Op::Step {
        name,
        failures: 0,
        yields: 1,
        compensated: true,
    }
}

fn sleep(millis: u32) -> Op {
    Op::Sleep { name: 0, millis }
}

fn signal() -> Op {
    Op::Signal { name: 0 }
}

fn in_every_way(case: Case) {
    block_on(async {
        replay(&case).await;
        if case.cancel_after.is_none() {
            cut(&case).await;
        }
        crash_everywhere(&case).await;
    });
}

#[test]
fn a_loop_of_races_within_a_join() {
    let race = Op::Race(vec![step(0), sleep(0), step(1)]);
    let again = |body: Op| Op::Repeat {
        times: 4,
        body: Box::new(body),
    };
    let program = vec![Op::Join(vec![again(race.clone()), again(race), step(2)])];
    in_every_way(program.into());
}

#[test]
fn a_burst_of_signals_to_waits_that_come_and_go() {
    let wait = Op::Race(vec![signal(), sleep(5)]);
    let program = vec![
        Op::Join(vec![signal(), wait.clone(), signal()]),
        wait,
        Op::Repeat {
            times: 3,
            body: Box::new(signal()),
        },
    ];
    let signals = (0..9).map(|payload| (0, payload)).collect();
    in_every_way(Case {
        signals,
        ..Case::from(program)
    });
}

#[test]
fn children_that_are_let_go_of_while_they_start() {
    let child = Op::Child {
        body: vec![
            step(0),
            Op::Child {
                body: vec![sleep(1_000), step(1)],
            },
        ],
    };
    let program = vec![
        Op::Race(vec![child.clone(), sleep(0), child.clone()]),
        Op::TryJoin(vec![child, Op::Fail]),
    ];
    in_every_way(program.into());
}

#[test]
fn a_cancellation_at_the_moment_of_a_timer() {
    let body = vec![step(0), sleep(1_000), step(1)];
    let program = vec![
        step(2),
        Op::Join(vec![Op::Child { body: body.clone() }, Op::Sequence(body)]),
    ];
    in_every_way(Case {
        cancel_after: Some(Duration::from_millis(1_000)),
        ..Case::from(program)
    });
}

#[test]
fn results_at_the_same_moment_as_timeouts() {
    let race = |millis| {
        Op::Race(vec![
            sleep(millis),
            Op::Sequence(vec![sleep(millis), step(0)]),
            step(1),
        ])
    };
    let program = vec![Op::Join(vec![race(10), race(10), race(20)]), race(0)];
    in_every_way(program.into());
}

#[test]
fn a_join_of_ten_thousand_steps() {
    let program = vec![Op::Join((0..10_000).map(|_| step(0)).collect())];
    block_on(replay(&program.into()));
}
