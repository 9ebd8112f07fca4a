//! Workers that die before or after each of their commits.

use durable_tests::{
    crashing::{CrashingStore, Moment},
    simulation::{Case, Simulation, faults, left_standing},
};
use proptest::prelude::*;

use crate::programs::{block_on, case, tries};

/// Runs a case on a worker that dies at its commit number `nth`, and then on one that does not. `false`
/// when the first one did not get that far.
async fn crash(case: &Case, nth: i64, moment: Moment) -> bool {
    let simulation = Simulation::default();
    simulation.insert(case).await.unwrap();
    let store = CrashingStore::new(simulation.store.clone(), nth, moment);
    let engine = simulation.engine(store.clone()).await.unwrap();
    let died = tokio::select! {
        () = store.died() => true,
        finished = simulation.finish(&engine, case) => {
            finished.unwrap();
            false
        }
    };
    drop(engine);
    let lives = 1 + u32::from(died);
    if died {
        simulation.outlive_leases().await;
        let engine = simulation.engine(simulation.store.clone()).await.unwrap();
        simulation.finish(&engine, case).await.unwrap();
        // Children that nobody waits for any more still have to end.
        engine.shutdown().await.unwrap();
    }
    let journals = simulation.journals().await.unwrap();
    let mut found = faults(&journals, &simulation.effects.counts(), lives);
    found.append(&mut left_standing(&journals, &simulation.effects));
    assert_eq!(found, Vec::<String>::new(), "{moment:?} commit {nth}");
    died
}

pub async fn crash_everywhere(case: &Case) {
    for moment in [Moment::Before, Moment::After] {
        let mut nth = 1;
        while crash(case, nth, moment).await {
            nth += 1;
        }
    }
}

proptest! {
    #![proptest_config(tries(48))]

    #[test]
    fn a_worker_that_dies_at_any_commit_leaves_good_order(case in case()) {
        block_on(crash_everywhere(&case));
    }
}
