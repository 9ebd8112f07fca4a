//! Renames: runs that began under earlier names of a workflow and of its operations go on with the code
//! that has the new names.

mod after;
mod before;

use std::{
    collections::BTreeMap,
    pin::Pin,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, SystemTime},
};

use durable::{
    __private::Definition,
    Clock, ErrorKind, Status, SystemClock,
    graph::Registry,
    journal::{EventKind, Timestamp},
    prelude::*,
};
use durable_tests::{TempDir, soon};

/// What steps and compensations were called, by idempotency key, and whether payments go through.
#[derive(Debug, Clone, Default)]
struct World {
    effects: Arc<Mutex<BTreeMap<String, u32>>>,
    bank_is_open: Arc<AtomicBool>,
}

impl World {
    fn note(&self, step: &StepCtx) {
        let key = step.idempotency_key();
        let key = key.rsplit_once('-').map_or(&*key, |(key, _)| key);
        let mut effects = self.effects.lock().unwrap_or_else(PoisonError::into_inner);
        *effects.entry(key.to_owned()).or_default() += 1;
    }

    fn counts(&self) -> Vec<(String, u32)> {
        let effects = self.effects.lock().unwrap_or_else(PoisonError::into_inner);
        effects.clone().into_iter().collect()
    }
}

/// The workflows of one of the two files.
fn written_in(file: &str) -> Vec<&'static Definition> {
    Definition::linked()
        .filter(|definition| definition.file.ends_with(file))
        .collect()
}

async fn open(directory: &TempDir, world: &World, file: &str) -> durable::Result<Engine> {
    let url = format!("sqlite://{}", directory.path().join("runs.db").display());
    let ahead = match file {
        "after.rs" => Duration::from_secs(7_200),
        _ => Duration::ZERO,
    };
    let engine = Engine::builder()
        .state(world.clone())
        .clock(Ahead(ahead))
        .registry(Registry::of(written_in(file))?);
    Ok(engine.open(&url).await?)
}

/// The machine's clock, set forward: what was due within that time is due now.
#[derive(Debug)]
struct Ahead(Duration);

impl Clock for Ahead {
    fn now(&self) -> Timestamp {
        SystemClock.now().after(self.0)
    }

    fn sleep_until(&self, at: Timestamp) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        let at = SystemTime::from(at) - self.0;
        Box::pin(async move { SystemClock.sleep_until(at.into()).await })
    }
}

/// What was recorded of operations, under the names it was recorded with. Whether a wait is recorded
/// depends on which came first, the wait or the signal.
async fn journal(engine: &Engine, id: &str) -> durable::Result<Vec<String>> {
    let history = engine.client().history(id).await?;
    let steps = history.iter().filter_map(|event| {
        let step = event.step.as_ref()?;
        if matches!(event.kind, EventKind::SignalAwaited { .. }) {
            return None;
        }
        Some(format!("{} {step}", event.kind.name()))
    });
    Ok(steps.collect())
}

#[tokio::test]
async fn a_run_goes_on_under_the_new_names_and_repeats_nothing() {
    let directory = TempDir::new("renames").unwrap();
    let world = World::default();
    let engine = open(&directory, &world, "before.rs").await.unwrap();
    let client = engine.client();
    client
        .start::<before::ship>("run", vec![1, 2])
        .await
        .unwrap();
    let run = client.attach_by_id("run").await.unwrap();
    soon(run.reaches(Status::Suspended)).await.unwrap().unwrap();
    engine.shutdown().await.unwrap();

    let engine = open(&directory, &world, "after.rs").await.unwrap();
    let client = engine.client();
    let run = client.attach::<after::shipping>("run").await.unwrap();
    let again = client.start::<after::shipping>("run", vec![1, 2]).await;
    assert_eq!(again.unwrap().id(), run.id(), "it is the same run");
    client.signal_by_name("run", "released", "7").await.unwrap();
    run.signal(after::shipping::cleared, 8).await.unwrap();
    assert_eq!(
        soon(run.result()).await.unwrap().unwrap(),
        10 + 20 + 1 + 2 + 30 + 7 + 8
    );
    assert_eq!(
        journal(&engine, "run").await.unwrap(),
        [
            "step_completed weigh",
            "step_completed label",
            "step_completed deliver",
            "step_completed deliver#1",
            "step_completed billing/charge",
            "signal_received cleared",
            "signal_received cleared#1",
            "step_completed close",
        ]
    );
    let once = [
        "run/billing/charge",
        "run/close",
        "run/deliver",
        "run/deliver#1",
        "run/label",
        "run/weigh",
    ];
    assert_eq!(world.counts(), once.map(|key| (key.to_owned(), 1)));
    let status = run.status().await.unwrap();
    let results: Vec<_> = status.results.keys().map(|step| step.as_str()).collect();
    assert_eq!(
        results,
        [
            "billing/debit",
            "cleared",
            "cleared#1",
            "close",
            "hand_over",
            "hand_over#1",
            "measure",
            "print_label"
        ]
    );
    engine.shutdown().await.unwrap();
}

#[tokio::test]
async fn a_renamed_step_is_undone_and_retried_under_the_key_it_began_with() {
    let directory = TempDir::new("renames").unwrap();
    let world = World::default();
    let engine = open(&directory, &world, "before.rs").await.unwrap();
    let run = engine.client().start::<before::pay>("run", ()).await;
    let run = run.unwrap();
    soon(run.reaches(Status::Suspended)).await.unwrap().unwrap();
    engine.shutdown().await.unwrap();
    assert_eq!(
        world.counts(),
        [
            ("run/reserve".to_owned(), 1),
            ("run/transfer".to_owned(), 1)
        ]
    );

    world.bank_is_open.store(true, Ordering::Relaxed);
    let engine = open(&directory, &world, "after.rs").await.unwrap();
    let run = engine.client().attach::<after::pay>("run").await.unwrap();
    let error = soon(run.result()).await.unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Failed);
    assert_eq!(
        world.counts(),
        [
            ("run/reserve".to_owned(), 1),
            ("run/reserve/compensate".to_owned(), 1),
            ("run/transfer".to_owned(), 2),
        ],
        "the second attempt had the key of the first, and the undoing that of the step"
    );
    engine.shutdown().await.unwrap();
}

#[tokio::test]
async fn a_child_that_was_started_under_the_old_name_ends_under_the_new() {
    let directory = TempDir::new("renames").unwrap();
    let world = World::default();
    let engine = open(&directory, &world, "before.rs").await.unwrap();
    let run = engine.client().start::<before::parent>("run", ()).await;
    let run = run.unwrap();
    soon(run.reaches(Status::Suspended)).await.unwrap().unwrap();
    let child = engine.client().attach_by_id("run/bill").await.unwrap();
    soon(child.reaches(Status::Suspended))
        .await
        .unwrap()
        .unwrap();
    engine.shutdown().await.unwrap();

    let engine = open(&directory, &world, "after.rs").await.unwrap();
    let client = engine.client();
    client
        .signal_by_name("run/bill", "paid", "5")
        .await
        .unwrap();
    let run = client.attach::<after::parent>("run").await.unwrap();
    assert_eq!(soon(run.result()).await.unwrap().unwrap(), 5);
    engine.shutdown().await.unwrap();
}

#[test]
fn a_name_that_a_workflow_had_is_taken() {
    let both = written_in("before.rs")
        .into_iter()
        .chain(written_in("after.rs"))
        .filter(|definition| definition.name.starts_with("ship"));
    let error = Registry::of(both).unwrap_err().to_string();
    assert!(error.contains("`ship` is registered twice"), "{error}");
    let registry = Registry::of(written_in("after.rs")).unwrap();
    assert_eq!(registry.find("ship").unwrap().name, "shipping");
    let names: Vec<_> = registry.names().collect();
    assert_eq!(names, ["invoice", "parent", "pay", "shipping"]);
}
