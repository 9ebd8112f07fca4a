//! Runs a workflow on a worker that dies at each of its commits in turn.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use durable::{Engine, StepCtx, store::Store};
use durable_tests::{
    crashing::{CrashingStore, Moment},
    simulation::Simulation,
};

/// How often each step was executed, by the name it is recorded under.
#[derive(Debug, Clone, Default)]
struct Effects(Arc<Mutex<BTreeMap<String, u32>>>);

impl Effects {
    fn note(&self, key: String) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *counts.entry(key).or_default() += 1;
    }

    /// The steps that were executed more than once.
    fn again(&self) -> Vec<String> {
        let counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let again = counts.iter().filter(|(_, count)| **count > 1);
        again.map(|(key, _)| key.clone()).collect()
    }
}

/// The body of a step that gives this.
pub async fn give<T>(step: StepCtx, value: T) -> Result<T, String> {
    step.state::<Effects>().note(step.idempotency_key());
    tokio::task::yield_now().await;
    Ok(value)
}

async fn engine(world: &Simulation, effects: &Effects, store: impl Store) -> Engine {
    let engine = Engine::builder()
        .state(effects.clone())
        .clock(world.clock.clone());
    engine.start(store).await.unwrap()
}

/// A workflow, what it is given, and what it must come to.
pub struct Case {
    pub workflow: &'static str,
    pub input: &'static str,
    pub output: &'static str,
    /// How many of its steps may be in flight when a worker dies.
    pub branches: usize,
}

impl Case {
    /// Runs it on a worker that dies at a commit, and then on one that does not. `false` when the first
    /// one did not get that far.
    async fn crash(&self, nth: i64, moment: Moment) -> bool {
        let (world, effects) = (Simulation::default(), Effects::default());
        let finish = async |engine: &Engine| {
            let client = engine.client();
            let run = client.start_by_name(self.workflow, "run", self.input).await;
            run.unwrap().result_json().await.unwrap()
        };
        let store = CrashingStore::new(world.store.clone(), nth, moment);
        let first = engine(&world, &effects, store.clone()).await;
        let output = tokio::select! {
            () = store.died() => None,
            output = finish(&first) => Some(output),
        };
        drop(first);
        let died = output.is_none();
        let output = match output {
            Some(output) => output,
            None => {
                world.outlive_leases().await;
                finish(&engine(&world, &effects, world.store.clone()).await).await
            }
        };
        let context = format!("{}, {moment:?} commit {nth}", self.workflow);
        assert_eq!(output, self.output, "{context}");
        let again = effects.again();
        let in_flight = if died { self.branches } else { 0 };
        assert!(again.len() <= in_flight, "{context}: {again:?}");
        died
    }

    /// It comes to the same wherever its worker dies.
    pub async fn crash_everywhere(&self) {
        for moment in [Moment::Before, Moment::After] {
            let mut nth = 1;
            while self.crash(nth, moment).await {
                nth += 1;
            }
            assert!(nth > 2, "{} has {nth} commits", self.workflow);
        }
    }
}
