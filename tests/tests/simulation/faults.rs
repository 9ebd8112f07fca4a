//! Stores that fail: at the first call of each kind, the second, the third, ... until no call is left.

use std::collections::BTreeMap;

use durable::{
    ErrorKind,
    testing::{Fault, FaultyStore, StoreCall},
};
use durable_tests::{
    program::Op,
    simulation::{Case, Simulation, faults},
};

fn step(name: u8, failures: u32) -> Op {
    Op::Step {
        name,
        failures,
        yields: 1,
        compensated: true,
    }
}

fn sleep(millis: u32) -> Op {
    Op::Sleep { name: 0, millis }
}

/// Bodies that between them reach every kind of call.
fn cases() -> Vec<Case> {
    let saga = vec![
        step(0, 0),
        Op::Join(vec![step(1, 1), step(2, 0), sleep(50)]),
    ];
    let mut undone = saga.clone();
    undone.extend([sleep(60_000), step(3, 9)]);
    let parent = vec![
        step(0, 0),
        Op::Race(vec![
            Op::Child {
                body: undone.clone(),
            },
            sleep(3_600_000),
        ]),
        Op::Child { body: saga.clone() },
    ];
    let abandoned = vec![Op::Race(vec![
        Op::Child {
            body: vec![step(0, 0), sleep(9_000_000)],
        },
        Op::Signal { name: 0 },
    ])];
    let signaled = |program: Vec<Op>| Case {
        signals: vec![(0, 7)],
        ..Case::from(program)
    };
    vec![
        saga.into(),
        undone.into(),
        parent.into(),
        signaled(abandoned),
    ]
}

/// Runs a case on a store that fails. Gives the store, and how often each attempt was executed.
async fn run(case: &Case, store: impl FnOnce(&Simulation) -> FaultyStore) -> FaultyStore {
    let simulation = Simulation::default();
    simulation.insert(case).await.unwrap();
    let store = store(&simulation);
    // Opening an engine is for its caller to try again.
    let engine = match simulation.engine(store.clone()).await {
        Err(error) if error.kind() == ErrorKind::Store => simulation.engine(store.clone()).await,
        opened => opened,
    };
    let engine = engine.unwrap();
    simulation.finish(&engine, case).await.unwrap();
    engine.shutdown().await.unwrap();
    let journals = simulation.journals().await.unwrap();
    let found = faults(&journals, &simulation.effects.counts(), 1);
    assert_eq!(found, Vec::<String>::new(), "{case:?}");
    store
}

#[tokio::test]
async fn every_call_may_fail_once_and_nothing_is_lost_or_done_twice() {
    let mut suffered = BTreeMap::<_, u64>::new();
    for case in cases() {
        for call in StoreCall::OF_WORKERS {
            for fault in [Fault::Before, Fault::After] {
                for nth in 1.. {
                    let fault = fault.clone();
                    let store = run(&case, |simulation| {
                        let store = FaultyStore::new(simulation.store.clone());
                        store.with_fault(call, nth, fault)
                    })
                    .await;
                    if store.faults() == 0 {
                        break;
                    }
                    *suffered.entry(call).or_default() += 1;
                }
            }
        }
    }
    println!("{suffered:?}");
    // Fewer would mean that the loop no longer reaches the calls.
    assert!(suffered[&StoreCall::Commit] > 60, "{suffered:?}");
    assert!(suffered[&StoreCall::Claim] > 20, "{suffered:?}");
}

#[tokio::test]
async fn calls_may_fail_in_any_pattern() {
    let mut faults = 0;
    for case in cases() {
        for seed in 0..12 {
            let store = |simulation: &Simulation| {
                FaultyStore::new(simulation.store.clone()).with_seed(seed, 4)
            };
            faults += run(&case, store).await.faults();
        }
    }
    assert!(faults > 100, "{faults}");
}
