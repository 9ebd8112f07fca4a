//! How an engine ends: whatever its database, its runtime or its store does, whoever asks is told at once.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use durable::{
    EngineBuilder, ErrorKind, Run, Status,
    journal::{Event, RunId, RunKey, Timestamp, WorkerId},
    prelude::*,
    store::{
        Batch, BatchOutcome, Claim, Claimed, LoadedRun, Mail, MemoryStore, NewWorker, RunPage,
        RunQuery, RunRecord, Store, StoreFuture,
    },
    testing::{Fault, FaultyStore, StoreCall, VirtualClock},
};
use durable_tests::{TempDir, soon};
use tokio::{
    runtime::{Builder, Runtime},
    sync::Notify,
};

use super::{lifecycle::Unheard, world::Book};

const MOMENT: Duration = Duration::from_millis(50);

fn builder() -> EngineBuilder {
    let builder = Engine::builder().state(Book::default()).state(Unheard);
    builder.state(VirtualClock::new())
}

#[durable::workflow]
async fn hears(ctx: &Ctx) -> durable::Result<u32> {
    let word = ctx.signal::<u32>("word").await?;
    Ok(ctx.step("echo", async |_| Ok::<_, String>(word)).await?)
}

fn never() -> Fault {
    Fault::Held(Arc::new(Notify::new()))
}

/// It waited for a commit to succeed, or for the worker's row to be removed, for as long as it took.
#[tokio::test]
async fn a_shutdown_ends_within_its_grace_whatever_the_database_does() {
    for (call, nth) in [(StoreCall::Commit, 3), (StoreCall::RetireWorker, 1)] {
        let memory = MemoryStore::new();
        let store = FaultyStore::new(memory.clone()).with_fault(call, nth, never());
        let build = || builder().lease(Duration::from_secs(1));
        let engine = build().shutdown_grace(MOMENT).start(store.clone()).await;
        let engine = engine.unwrap();
        let run = engine.client().start::<hears>("run-7", ()).await.unwrap();
        run.reaches(Status::Suspended).await.unwrap();
        // The third commit, after the start and the wait.
        let asked = tokio::spawn(async move { run.signal(hears::word, 1).await });
        if call == StoreCall::Commit {
            while store.calls(StoreCall::Commit) < 3 {
                tokio::task::yield_now().await;
            }
        }
        let ended = soon(engine.shutdown()).await.unwrap();
        if call == StoreCall::RetireWorker {
            let error = ended.unwrap_err().downcast::<durable::Error>().unwrap();
            assert_eq!(error.kind(), ErrorKind::NotGivenBack);
            assert!(error.to_string().contains("`run-7`"), "{error}");
        } else {
            ended.unwrap();
        }
        // Whoever was kept waiting is told, and nothing is lost: others go on.
        let _ = soon(asked).await.unwrap().unwrap();
        let engine = build().start(memory).await.unwrap();
        let run = engine.client().attach::<hears>("run-7").await.unwrap();
        let _ = run.signal(hears::word, 1).await;
        assert_eq!(soon(run.result()).await.unwrap().unwrap(), 1);
        engine.shutdown().await.unwrap();
    }
}

#[tokio::test]
async fn a_shutdown_tries_for_its_grace_to_give_its_runs_back() {
    let memory = MemoryStore::new();
    let store = FaultyStore::new(memory.clone());
    let store = store.with_fault(StoreCall::RetireWorker, 1, Fault::Before);
    let engine = builder().start(store.clone()).await.unwrap();
    let run = engine.client().start::<hears>("run", ()).await.unwrap();
    run.reaches(Status::Suspended).await.unwrap();
    engine.shutdown().await.unwrap();
    assert_eq!(store.calls(StoreCall::RetireWorker), 2);
}

async fn is_refused(run: &Run<hears>, engine: &Engine, word: &str) {
    let client = engine.client();
    let started = soon(client.start::<hears>("another", ())).await.unwrap();
    let signaled = soon(run.signal(hears::word, 1)).await.unwrap();
    let result = soon(run.result()).await.unwrap().map(drop);
    let reached = soon(run.reaches(Status::Completed)).await.unwrap();
    for answer in [started.map(drop), signaled, result, reached.map(drop)] {
        let error = answer.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ShutDown);
        assert!(error.to_string().contains(word), "{error}");
    }
    assert!(
        client
            .trouble()
            .is_some_and(|trouble| trouble.contains(word))
    );
}

fn runtimes() -> [Runtime; 2] {
    let many = Builder::new_multi_thread().enable_all().build();
    let one = Builder::new_current_thread().enable_all().build();
    [many.unwrap(), one.unwrap()]
}

/// An engine in a `static`, used by a second test: starts were acknowledged, and nothing ever ran.
#[test]
fn an_engine_that_outlives_its_runtime_says_so_and_gives_its_runs_back() {
    for first in runtimes() {
        let memory = MemoryStore::new();
        let (engine, run) = first.block_on(async {
            let engine = builder().start(memory.clone()).await.unwrap();
            let run = engine.client().start::<hears>("run", ()).await.unwrap();
            run.reaches(Status::Suspended).await.unwrap();
            (engine, run)
        });
        drop(first);
        let [_, second] = runtimes();
        second.block_on(async {
            is_refused(&run, &engine, "runtime").await;
            let another = builder().start(memory.clone()).await.unwrap();
            let run = another.client().attach::<hears>("run").await.unwrap();
            run.signal(hears::word, 2).await.unwrap();
            assert_eq!(soon(run.result()).await.unwrap().unwrap(), 2);
            another.shutdown().await.unwrap();
            soon(engine.shutdown()).await.unwrap().unwrap();
        });
    }
}

/// A store that panics when it is told to.
#[derive(Debug, Clone, Default)]
struct Fragile {
    memory: MemoryStore,
    breaks: Arc<AtomicBool>,
}

macro_rules! passed_on {
    ($($name:ident($($argument:ident: $type:ty),*) -> $output:ty;)*) => {
        $(fn $name(&self, $($argument: $type),*) -> StoreFuture<'_, $output> {
            self.memory.$name($($argument),*)
        })*
    };
}

impl Store for Fragile {
    fn commit<'a>(&'a self, batch: &'a Batch) -> StoreFuture<'a, BatchOutcome> {
        assert!(!self.breaks.load(Ordering::SeqCst), "a bug in the store");
        self.memory.commit(batch)
    }

    fn release_strays<'a>(
        &'a self,
        worker: WorkerId,
        residents: &'a [RunKey],
    ) -> StoreFuture<'a, u64> {
        self.memory.release_strays(worker, residents)
    }

    fn find<'a>(&'a self, id: &'a RunId) -> StoreFuture<'a, Option<RunRecord>> {
        self.memory.find(id)
    }

    fn list<'a>(&'a self, query: &'a RunQuery) -> StoreFuture<'a, RunPage> {
        self.memory.list(query)
    }

    passed_on! {
        claim(claim: Claim) -> Claimed;
        register_worker(worker: NewWorker) -> WorkerId;
        renew_lease(worker: WorkerId, until: Timestamp) -> bool;
        retire_worker(worker: WorkerId) -> u64;
        reap(now: Timestamp) -> u64;
        claim_parked(claim: Claim) -> Vec<LoadedRun>;
        read(run: RunKey) -> Option<RunRecord>;
        mailbox(run: RunKey) -> Vec<Mail>;
        history(run: RunKey) -> Vec<Event>;
        children(run: RunKey) -> Vec<RunRecord>;
        close() -> ();
    }
}

/// Who waited went on waiting, and there was no trouble.
#[tokio::test]
async fn an_engine_whose_store_panics_says_so() {
    let store = Fragile::default();
    let engine = builder().start(store.clone()).await.unwrap();
    let run = engine.client().start::<hears>("run", ()).await.unwrap();
    run.reaches(Status::Suspended).await.unwrap();
    let waiting = tokio::spawn({
        let run = run.clone();
        async move { run.result().await }
    });
    store.breaks.store(true, Ordering::SeqCst);
    let error = soon(run.signal(hears::word, 1)).await.unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ShutDown);
    assert!(error.to_string().contains("a bug in the store"), "{error}");
    let error = soon(waiting).await.unwrap().unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ShutDown);
    is_refused(&run, &engine, "a bug in the store").await;
    let error = soon(engine.shutdown()).await.unwrap().unwrap_err();
    assert!(error.to_string().contains("a bug in the store"), "{error}");
}

/// The file stayed locked for every process while a handle of the dropped engine lived.
#[tokio::test]
async fn a_dropped_engine_lets_go_of_its_file_whatever_handles_live() {
    let directory = TempDir::new("dropped").unwrap();
    let url = format!("sqlite://{}", directory.path().join("runs.db").display());
    let mut handles = Vec::new();
    for round in 0..20_u32 {
        let engine = builder().open(&url).await.unwrap();
        let id = format!("run-{round}");
        let run = engine.client().start::<hears>(&id, ()).await.unwrap();
        // In the midst of the commit that this takes.
        run.signal(hears::word, round).await.unwrap();
        if round % 2 == 0 {
            tokio::task::yield_now().await;
        }
        drop(engine);
        handles.push(run);
    }
    let engine = builder().open(&url).await.unwrap();
    for round in 0..20_u32 {
        let id = format!("run-{round}");
        let run = engine.client().attach::<hears>(&id).await.unwrap();
        assert_eq!(soon(run.result()).await.unwrap().unwrap(), round);
    }
    engine.shutdown().await.unwrap();
    let error = soon(handles[0].result()).await.unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ShutDown);
}
