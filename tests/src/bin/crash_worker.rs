//! Drives the order saga of the examples, and dies at a chosen commit. The crash sweep starts it.
//!
//! `crash_worker FOLDER ADDRESS SINCE whole|take|rest before|after COMMIT`: the whole life of an order,
//! or only taking it in and dying, or only what is left to do. Commit 0 is never reached.

#![expect(
    unreachable_pub,
    reason = "in a program, `pub` says what other modules use"
)]

use std::{
    path::Path,
    pin::Pin,
    sync::atomic::{AtomicU32, Ordering},
    time::{Duration, SystemTime},
};

use durable::{
    Clock, ErrorKind,
    journal::{Event, RunId, RunKey, Timestamp, WorkerId},
    store::{
        Batch, BatchOutcome, Claim, Claimed, LoadedRun, Mail, NewWorker, RunPage, RunQuery,
        RunRecord, SqliteStore, Store, StoreFuture,
    },
};

#[path = "../../../durable/examples/order/shop.rs"]
mod shop;
#[path = "../../../durable/examples/order/workflows.rs"]
mod workflows;

use shop::Shop;
use workflows::{Approval, Order, order};

#[tokio::main]
async fn main() -> durable::Result<()> {
    let mut args = std::env::args().skip(1);
    let mut next = || args.next().ok_or("an argument is missing");
    let folder = next()?;
    let folder = Path::new(&folder);
    let address = next()?;
    let since = Timestamp::from_micros(next()?.parse()?);
    let task = next()?;
    let store = CrashingStore {
        store: SqliteStore::open(&folder.join("orders.db").to_string_lossy()).await?,
        calls: AtomicU32::new(0),
        before: next()? == "before",
        at: next()?.parse()?,
    };
    let engine = durable::Engine::builder()
        .state(Shop::new(folder.join("books.jsonl"), None))
        .clock(FastClock { since })
        .lease(Duration::from_secs(3_600))
        .start(store)
        .await?;
    let client = engine.client();
    if task != "rest" {
        take(&client, folder, address).await?;
    }
    if task == "take" {
        std::process::abort();
    }
    finish(&client).await?;
    engine.shutdown().await
}

/// Starts the order and approves it, as a client does that does not know what came through before it
/// died.
async fn take(client: &durable::Client, folder: &Path, address: String) -> durable::Result<()> {
    let run = client.start::<order>("order-1", sample(address)).await?;
    let approved = folder.join("approved");
    if !approved.exists() {
        let by = "ops".to_owned();
        match run.signal(order::approval, Approval { by }).await {
            Ok(()) => std::fs::write(approved, "")?,
            Err(error) if error.kind() == ErrorKind::Ended => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// Waits for the order's end and prints the journals.
async fn finish(client: &durable::Client) -> durable::Result<()> {
    match client.attach::<order>("order-1").await?.result().await {
        Ok(_) => {}
        Err(error) if error.kind() == ErrorKind::Failed => {}
        Err(error) => return Err(error.into()),
    }
    for id in ["order-1", "order-1/parcel"] {
        for event in client.history(id).await? {
            let step = event.step.map(|step| step.to_string()).unwrap_or_default();
            println!("{id} {} {step}", event.kind.name());
        }
    }
    Ok(())
}

fn sample(address: String) -> Order {
    Order {
        item: "a kettle".to_owned(),
        cents: 4_900,
        card: "4242".to_owned(),
        address,
        cooling_off: Duration::from_millis(20),
    }
}

/// A store that dies before or after one of its commits, without a chance to tidy up.
#[derive(Debug)]
struct CrashingStore {
    store: SqliteStore,
    calls: AtomicU32,
    before: bool,
    at: u32,
}

impl Store for CrashingStore {
    fn commit<'a>(&'a self, batch: &'a Batch) -> StoreFuture<'a, BatchOutcome> {
        Box::pin(async move {
            let here = self.calls.fetch_add(1, Ordering::Relaxed) + 1 == self.at;
            if here && self.before {
                std::process::abort();
            }
            let outcome = self.store.commit(batch).await;
            if here {
                std::process::abort();
            }
            outcome
        })
    }

    fn claim(&self, claim: Claim) -> StoreFuture<'_, Claimed> {
        self.store.claim(claim)
    }

    fn register_worker(&self, worker: NewWorker) -> StoreFuture<'_, WorkerId> {
        self.store.register_worker(worker)
    }

    fn renew_lease(&self, worker: WorkerId, lease_until: Timestamp) -> StoreFuture<'_, bool> {
        self.store.renew_lease(worker, lease_until)
    }

    fn retire_worker(&self, worker: WorkerId) -> StoreFuture<'_, u64> {
        self.store.retire_worker(worker)
    }

    fn reap(&self, now: Timestamp) -> StoreFuture<'_, u64> {
        self.store.reap(now)
    }

    fn release_strays<'a>(
        &'a self,
        worker: WorkerId,
        residents: &'a [RunKey],
    ) -> StoreFuture<'a, u64> {
        self.store.release_strays(worker, residents)
    }

    fn claim_parked(&self, claim: Claim) -> StoreFuture<'_, Vec<LoadedRun>> {
        self.store.claim_parked(claim)
    }

    fn mailbox(&self, run: RunKey) -> StoreFuture<'_, Vec<Mail>> {
        self.store.mailbox(run)
    }

    fn find<'a>(&'a self, id: &'a RunId) -> StoreFuture<'a, Option<RunRecord>> {
        self.store.find(id)
    }

    fn read(&self, run: RunKey) -> StoreFuture<'_, Option<RunRecord>> {
        self.store.read(run)
    }

    fn history(&self, run: RunKey) -> StoreFuture<'_, Vec<Event>> {
        self.store.history(run)
    }

    fn children(&self, run: RunKey) -> StoreFuture<'_, Vec<RunRecord>> {
        self.store.children(run)
    }

    fn list<'a>(&'a self, query: &'a RunQuery) -> StoreFuture<'a, RunPage> {
        self.store.list(query)
    }

    fn close(&self) -> StoreFuture<'_, ()> {
        self.store.close()
    }
}

/// A clock that has run faster than the machine's since a given moment, the same in every process of
/// a sweep: nobody waits a second for a retry.
#[derive(Debug)]
struct FastClock {
    since: Timestamp,
}

const SPEED: u32 = 20;

impl Clock for FastClock {
    fn now(&self) -> Timestamp {
        let passed = Timestamp::from(SystemTime::now()).since(self.since);
        self.since.after(passed * SPEED)
    }

    fn sleep_until(&self, at: Timestamp) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(async move {
            loop {
                let left = at.since(self.now()) / SPEED;
                if at <= self.now() {
                    return;
                }
                tokio::time::sleep(left.min(Duration::from_secs(1))).await;
            }
        })
    }
}
