//! A database that fails is told of once, however often it is tried.

use durable::{
    prelude::*,
    store::MemoryStore,
    testing::{Fault, FaultyStore, StoreCall, VirtualClock},
};
use durable_tests::soon;

use super::listener::Listener;

#[durable::workflow]
async fn quick(ctx: &Ctx) -> durable::Result<()> {
    Ok(ctx.step("one", async |_| Ok::<_, Failure>(())).await?)
}

#[tokio::test]
async fn an_outage_warns_once_and_so_does_its_end() {
    let listener = Listener::of_this_program();
    let faults = 2..6;
    let store = faults.fold(FaultyStore::new(MemoryStore::new()), |store, nth| {
        store.with_fault(StoreCall::Commit, nth, Fault::Before)
    });
    let builder = Engine::builder().clock(VirtualClock::new());
    let engine = builder.start(store).await.unwrap();
    let run = engine.client().start::<quick>("outage", ()).await.unwrap();
    soon(run.result()).await.unwrap().unwrap();
    let count = |name: &str| {
        let all = listener.all();
        all.iter().filter(|line| line.name == name).count()
    };
    assert_eq!(count("store_failed"), 1);
    assert_eq!(count("store_fails_still"), 3);
    assert_eq!(count("store_works"), 1);
    engine.shutdown().await.unwrap();
}
