//! The order saga of the examples on a store whose calls fail, one after the other.

#![expect(
    unreachable_pub,
    reason = "in a program, `pub` says what other modules use"
)]

use std::{collections::BTreeMap, fs, path::Path, time::Duration};

use durable::{
    Engine, ErrorKind,
    store::MemoryStore,
    testing::{Fault, FaultyStore, StoreCall, VirtualClock},
};
use durable_tests::TempDir;

#[path = "../../durable/examples/order/shop.rs"]
mod shop;
#[path = "../../durable/examples/order/workflows.rs"]
mod workflows;

use shop::Shop;
use workflows::{Approval, Order, order};

/// Drives one order on a store. Gives what the shop wrote down: each action with its outcome, and how
/// often.
async fn drive(
    store: &FaultyStore,
    address: &str,
    books: &Path,
) -> durable::Result<BTreeMap<String, usize>> {
    let builder = || {
        let shop = Shop::new(books.to_owned(), None);
        Engine::builder().state(shop).clock(VirtualClock::new())
    };
    // Opening an engine is for its caller to try again.
    let engine = match builder().start(store.clone()).await {
        Err(error) if error.kind() == ErrorKind::Store => builder().start(store.clone()).await,
        opened => opened,
    };
    let engine = engine?;
    let input = Order {
        item: "a kettle".to_owned(),
        cents: 4_900,
        card: "4242".to_owned(),
        address: address.to_owned(),
        cooling_off: Duration::from_secs(3_600),
    };
    let run = engine.client().start::<order>("order-1", input).await?;
    let by = "ops".to_owned();
    run.signal(order::approval, Approval { by }).await?;
    match run.result().await {
        Err(error) if error.kind() != ErrorKind::Failed => return Err(error.into()),
        _ => {}
    }
    engine.shutdown().await?;
    let mut entries = BTreeMap::new();
    for line in fs::read_to_string(books)?.lines() {
        let entry: serde_json::Value = serde_json::from_str(line)?;
        let entry = format!("{} {}", entry["action"], entry["outcome"]);
        *entries.entry(entry).or_default() += 1;
    }
    Ok(entries)
}

/// How many calls failed, all of them without a trace.
async fn fail_every_call(address: &str) -> durable::Result<u64> {
    let directory = TempDir::new("order-faults")?;
    let mut books = (0..).map(|number| directory.path().join(format!("books-{number}.jsonl")));
    let mut books = || books.next().ok_or("numbers do not end");
    let without_faults = FaultyStore::new(MemoryStore::new());
    let expected = drive(&without_faults, address, &books()?).await?;
    let mut faults = 0;
    for call in StoreCall::OF_WORKERS {
        for fault in [Fault::Before, Fault::After] {
            for nth in 1.. {
                let store = FaultyStore::new(MemoryStore::new());
                let store = store.with_fault(call, nth, fault.clone());
                let entries = drive(&store, address, &books()?).await?;
                assert_eq!(entries, expected, "{call:?} {nth} {fault:?}");
                if store.faults() == 0 {
                    break;
                }
                faults += store.faults();
            }
        }
    }
    Ok(faults)
}

#[tokio::test]
async fn an_order_is_delivered_with_one_effect_of_each_step() -> durable::Result<()> {
    let faults = fail_every_call("12 Harbor Street").await?;
    assert!(faults > 16, "{faults}");
    Ok(())
}

#[tokio::test]
async fn an_order_is_undone_with_one_effect_of_each_compensation() -> durable::Result<()> {
    let faults = fail_every_call("Moon").await?;
    assert!(faults > 16, "{faults}");
    Ok(())
}
