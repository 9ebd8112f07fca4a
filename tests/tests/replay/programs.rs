//! Random programs.

use std::time::Duration;

use durable_tests::{
    program::{Manner, Op},
    simulation::Case,
};
use proptest::{collection::vec, prelude::*};

/// So long in real time, a program never takes: it hangs. Without this, what hangs would not be shrunk.
const HANGS: Duration = Duration::from_secs(20);

/// Tries so many programs.
pub fn tries(cases: u32) -> ProptestConfig {
    ProptestConfig {
        cases,
        max_shrink_iters: 500,
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

/// Runs what is done with one program.
pub fn block_on<T>(future: impl Future<Output = T>) -> T {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_all().build().unwrap();
    let guarded = async { tokio::time::timeout(HANGS, future).await };
    runtime.block_on(guarded).expect("the program hangs")
}

/// A program, the signals that wait for it, and sometimes a cancellation.
pub fn case() -> impl Strategy<Value = Case> {
    let cancel = prop::option::weighted(0.2, (0..20_000u64).prop_map(Duration::from_millis));
    (vec(op(), 1..5), vec((0..2u8, 0..100u32), 0..4), cancel).prop_map(
        |(program, signals, cancel_after)| Case {
            program,
            signals,
            cancel_after,
        },
    )
}

/// A program that nobody cancels.
pub fn undisturbed() -> impl Strategy<Value = Case> {
    case().prop_map(|case| Case {
        cancel_after: None,
        ..case
    })
}

fn op() -> impl Strategy<Value = Op> {
    leaf().prop_recursive(3, 12, 4, |op| {
        prop_oneof![
            vec(op.clone(), 0..4).prop_map(Op::Sequence),
            vec(op.clone(), 0..4).prop_map(Op::Join),
            vec(op.clone(), 0..4).prop_map(Op::TryJoin),
            vec(op.clone(), 1..4).prop_map(Op::Race),
            (0..4u8, op.clone()).prop_map(|(times, body)| Op::Repeat {
                times,
                body: Box::new(body),
            }),
            vec(op, 0..3).prop_map(|body| Op::Child { body }),
        ]
    })
}

fn leaf() -> impl Strategy<Value = Op> {
    prop_oneof![
        6 => step(),
        5 => saga(),
        2 => (0..2u8, 0..10_000u32).prop_map(|(name, millis)| Op::Sleep { name, millis }),
        2 => (0..2u8).prop_map(|name| Op::Signal { name }),
        1 => Just(Op::Fail),
    ]
}

fn saga() -> impl Strategy<Value = Op> {
    let failures = prop_oneof![5 => Just(0), 1 => 1..5u32];
    let timeout = prop::option::weighted(0.3, 0..10_000u32);
    let manner = prop_oneof![
        4 => Just(Manner::Deaf),
        3 => Just(Manner::Polite),
        1 => Just(Manner::Hangs),
        1 => Just(Manner::Panics),
        2 => Just(Manner::Once),
    ];
    // About as long as the grace: some end in it, and some do not.
    (0..4u8, 0..20_000u32, failures, timeout, manner).prop_map(
        |(name, millis, failures, timeout, manner)| {
            let hangs = manner == Manner::Hangs;
            Op::Saga {
                name,
                millis,
                failures,
                timeout: timeout.or(hangs.then_some(5_000)),
                manner,
            }
        },
    )
}

fn step() -> impl Strategy<Value = Op> {
    let failures = prop_oneof![5 => Just(0), 1 => 1..5u32];
    (0..4u8, failures, 0..3u8, any::<bool>()).prop_map(|(name, failures, yields, compensated)| {
        Op::Step {
            name,
            failures,
            yields,
            compensated,
        }
    })
}
