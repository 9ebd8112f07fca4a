//! A lease that ended is noticed by everybody who ran under it, and nobody alive is robbed.

use std::{
    future::Future,
    pin::{Pin, pin},
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    task::{Context, Poll, Waker},
    time::Duration,
};

use durable::{
    Clock, Engine, SystemClock,
    journal::{Timestamp, WorkerId},
    prelude::*,
    store::{MemoryStore, NewWorker, Store},
    testing::{Fault, FaultyStore, StoreCall, VirtualClock},
};
use durable_tests::soon;
use tokio::sync::{Notify, watch};

use crate::door::{Door, builder};

/// A clock that stands still unless it is set.
#[derive(Debug, Clone)]
struct SetClock(watch::Sender<Timestamp>);

impl SetClock {
    fn new() -> Self {
        Self(watch::Sender::new(Timestamp::from_micros(1 << 50)))
    }

    fn set_forward(&self, by: Duration) {
        self.0.send_modify(|now| *now = now.after(by));
    }

    fn set_back(&self, by: Duration) {
        let by = i64::try_from(by.as_micros()).unwrap();
        self.0
            .send_modify(|now| *now = Timestamp::from_micros(now.as_micros() - by));
    }
}

impl Clock for SetClock {
    fn now(&self) -> Timestamp {
        *self.0.borrow()
    }

    fn sleep_until(&self, at: Timestamp) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        let mut now = self.0.subscribe();
        Box::pin(async move { drop(now.wait_for(|now| *now >= at).await) })
    }
}

#[durable::workflow]
async fn one_door(ctx: &Ctx) -> durable::Result<()> {
    ctx.step("door", async |step| {
        step.state::<Door>().begin();
        step.state::<Door>().pass().await;
        Ok::<_, String>(())
    })
    .await?;
    Ok(())
}

/// A worker is paused longer than its lease while a batch is on its way, and nobody takes its runs. The
/// lease was renewed beside the next batch, which told nobody, and the run waited for ever.
#[tokio::test]
async fn a_run_that_was_held_back_goes_on_when_the_lease_is_renewed_beside_a_batch() {
    const LEASE: Duration = Duration::from_secs(3_600);
    let (reply, renewed) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let held = |reply: &Arc<Notify>| Fault::Held(Arc::clone(reply));
    let store = FaultyStore::new(MemoryStore::new())
        .with_fault(StoreCall::Commit, 2, held(&reply))
        .with_fault(StoreCall::RenewLease, 1, held(&renewed));
    let (clock, door) = (SetClock::new(), Door::default());
    let builder = Engine::builder().clock(clock.clone()).state(door.clone());
    let builder = builder.state(VirtualClock::new()).lease(LEASE);
    let engine = builder.start(store.clone()).await.unwrap();
    let client = engine.client();
    let mut cx = Context::from_waker(Waker::noop());
    let run = {
        // On this thread, so that the run does not begin before the lease has ended.
        let mut starting = pin!(client.start::<one_door>("run", ()));
        let run = loop {
            match starting.as_mut().poll(&mut cx) {
                Poll::Ready(run) => break run.unwrap(),
                Poll::Pending => std::thread::yield_now(),
            }
        };
        let mut other = pin!(client.start::<one_door>("other", ()));
        assert!(other.as_mut().poll(&mut cx).is_pending());
        while store.calls(StoreCall::Commit) < 2 {
            std::thread::yield_now();
        }
        clock.set_forward(LEASE);
        while store.calls(StoreCall::RenewLease) < 1 {
            std::thread::yield_now();
        }
        run
    };
    // The run begins, and may start no step.
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
    assert_eq!(door.begun(), 0);
    renewed.notify_one();
    door.open.notify_one();
    soon(door.passed.notified()).await.unwrap();
    reply.notify_one();
    soon(run.result()).await.unwrap().unwrap();
    engine.shutdown().await.unwrap();
}

/// The machine's clock, and by how much it was set.
#[derive(Debug, Clone, Default)]
struct Adjusted(Arc<AtomicI64>);

impl Clock for Adjusted {
    fn now(&self) -> Timestamp {
        let by = self.0.load(Ordering::Relaxed);
        Timestamp::from_micros(SystemClock.now().as_micros() + by)
    }

    fn sleep_until(&self, at: Timestamp) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        let by = self.0.load(Ordering::Relaxed);
        let at = Timestamp::from_micros(at.as_micros() - by);
        Box::pin(async move { SystemClock.sleep_until(at).await })
    }
}

#[durable::workflow]
async fn hears(ctx: &Ctx) -> durable::Result<u32> {
    Ok(ctx.signal::<u32>("word").await?)
}

/// It did not look for what others had written, nor renew its lease, until the clock was there again.
#[tokio::test]
async fn a_worker_goes_on_though_the_clock_is_set_back() {
    const HOUR: i64 = 3_600_000_000;
    let (clock, memory) = (Adjusted::default(), MemoryStore::new());
    let build = || {
        let builder = Engine::builder().clock(clock.clone());
        let builder = builder.state(Door::default()).state(VirtualClock::new());
        builder.lease(Duration::from_secs(3))
    };
    let here = FaultyStore::new(memory.clone());
    let engine = build().start(here.clone()).await.unwrap();
    let there = build().start(memory.clone()).await.unwrap();
    let run = engine.client().start::<hears>("run", ()).await.unwrap();
    run.reaches(durable::Status::Suspended).await.unwrap();
    clock.0.store(-HOUR, Ordering::Relaxed);
    let renewals = here.calls(StoreCall::RenewLease);
    let other = there.client().attach::<hears>("run").await.unwrap();
    other.signal(hears::word, 7).await.unwrap();
    assert_eq!(soon(run.result()).await.unwrap().unwrap(), 7);
    soon(async {
        while here.calls(StoreCall::RenewLease) < renewals + 2 {
            tokio::task::yield_now().await;
        }
    })
    .await
    .unwrap();
    engine.shutdown().await.unwrap();
    there.shutdown().await.unwrap();
}

#[durable::workflow]
async fn long_step(ctx: &Ctx) -> durable::Result<()> {
    ctx.step("long", async |step| {
        step.state::<Door>().begin();
        let clock = step.state::<VirtualClock>();
        clock.sleep(Duration::from_secs(120)).await;
        Ok::<_, String>(())
    })
    .await?;
    Ok(())
}

/// A worker that is locked out of the database for longer than its lease, and one that starts just when
/// the database can be reached again: the new one freed the runs of the other at once.
#[tokio::test]
async fn a_new_worker_robs_nobody_who_was_locked_out() {
    let (clock, door) = (VirtualClock::new(), Door::default());
    let memory = MemoryStore::new();
    let mut locked_out = FaultyStore::new(memory.clone());
    // At 5 s, 6 s, ... 25 s.
    for renewal in 1..=21 {
        locked_out = locked_out.with_fault(StoreCall::RenewLease, renewal, Fault::Before);
    }
    let build = || builder(&clock, &door);
    let here = build().start(locked_out.clone()).await.unwrap();
    let run = here.client().start::<long_step>("run", ()).await.unwrap();
    clock.advance(Duration::from_millis(25_500)).await;
    assert_eq!(locked_out.faults(), 21);
    let there = build().start(memory.clone()).await.unwrap();
    soon(run.result()).await.unwrap().unwrap();
    assert_eq!(door.begun(), 1);
    here.shutdown().await.unwrap();
    there.shutdown().await.unwrap();
}

/// The runs of one that died are freed all the same.
#[tokio::test]
async fn a_new_worker_frees_the_runs_of_the_dead_after_the_time_of_a_lease() {
    let (clock, door) = (VirtualClock::new(), Door::default());
    let memory = MemoryStore::new();
    let build = || builder(&clock, &door);
    let here = build().start(memory.clone()).await.unwrap();
    here.client().start::<long_step>("run", ()).await.unwrap();
    while door.begun() == 0 {
        tokio::task::yield_now().await;
    }
    drop(here);
    let there = build().start(memory.clone()).await.unwrap();
    clock.advance(Duration::from_secs(16)).await;
    let before = clock.now();
    let run = there.client().attach::<long_step>("run").await.unwrap();
    soon(run.result()).await.unwrap().unwrap();
    assert_eq!(door.begun(), 2);
    assert!(clock.now().since(before) < Duration::from_secs(126));
    there.shutdown().await.unwrap();
}

/// Whether the others saw that it renewed its lease before it died.
async fn a_worker_dies_and_the_clock_is_set_back(was_seen: bool) {
    const LEASE: Duration = Duration::from_secs(15);
    const HEARTBEAT: Duration = Duration::from_secs(5);
    let (clock, memory) = (SetClock::new(), MemoryStore::new());
    let build = |door: &Door, lease| {
        let builder = Engine::builder().clock(clock.clone()).state(door.clone());
        builder.state(VirtualClock::new()).lease(lease)
    };
    let (door, other_door) = (Door::default(), Door::default());
    let store = FaultyStore::new(memory.clone());
    let alive = build(&door, LEASE).start(store.clone()).await.unwrap();
    // It says nothing for longer than others may be silent, and is alive.
    let slow = build(&other_door, LEASE * 20);
    let slow = slow.start(memory.clone()).await.unwrap();
    let slow_run = slow.client().start::<one_door>("slow", ()).await.unwrap();
    let dies = build(&door, LEASE).start(memory.clone()).await.unwrap();
    dies.client().start::<one_door>("run", ()).await.unwrap();
    let begun = async |door: &Door, times| {
        soon(async {
            while door.begun() < times {
                tokio::task::yield_now().await;
            }
        })
        .await
    };
    begun(&door, 1).await.unwrap();
    begun(&other_door, 1).await.unwrap();
    let calls = async |call, count| {
        soon(async {
            while store.calls(call) < count {
                tokio::task::yield_now().await;
            }
        })
        .await
        .unwrap();
    };
    let heartbeats = async |count| {
        for _ in 0..count {
            let next = store.calls(StoreCall::RenewLease) + 1;
            clock.set_forward(HEARTBEAT);
            calls(StoreCall::RenewLease, next).await;
        }
    };
    heartbeats(4).await;
    drop(dies);
    if !was_seen {
        clock.set_forward(HEARTBEAT / 2);
        let until = clock.now().after(LEASE);
        let third = WorkerId::new(3);
        assert!(memory.renew_lease(third, until).await.unwrap());
    }
    clock.set_back(Duration::from_secs(3_600));
    // It has looked for work, and seen what the clock says.
    calls(StoreCall::Claim, store.calls(StoreCall::Claim) + 2).await;
    heartbeats(10).await;
    begun(&door, 2).await.unwrap();
    assert_eq!(other_door.begun(), 1);
    let slow_worker = WorkerId::new(2);
    let until = clock.now().after(LEASE * 20);
    assert!(memory.renew_lease(slow_worker, until).await.unwrap());
    door.open.notify_one();
    other_door.open.notify_one();
    let run = alive.client().attach::<one_door>("run").await.unwrap();
    soon(run.result()).await.unwrap().unwrap();
    soon(slow_run.result()).await.unwrap().unwrap();
    slow.shutdown().await.unwrap();
    alive.shutdown().await.unwrap();
}

/// They waited for the clock, an hour long.
#[tokio::test]
async fn the_runs_of_one_that_died_are_freed_though_the_clock_is_set_back() {
    a_worker_dies_and_the_clock_is_set_back(true).await;
    a_worker_dies_and_the_clock_is_set_back(false).await;
}

#[durable::workflow]
async fn short_nap(ctx: &Ctx) -> durable::Result<()> {
    Ok(ctx.sleep("nap", Duration::from_secs(2)).await?)
}

/// Nothing moved the clock to the end of the lease that the first engine had left behind.
#[tokio::test]
async fn the_next_engine_goes_on_after_one_that_was_dropped() {
    let (clock, memory) = (VirtualClock::new(), MemoryStore::new());
    let build = || builder(&clock, &Door::default());
    let engine = build().start(memory.clone()).await.unwrap();
    let run = engine.client().start::<short_nap>("run", ()).await.unwrap();
    run.reaches(durable::Status::Suspended).await.unwrap();
    drop(engine);
    let engine = build().start(memory.clone()).await.unwrap();
    let run = engine.client().attach::<short_nap>("run").await.unwrap();
    soon(run.result()).await.unwrap().unwrap();
    engine.shutdown().await.unwrap();
    // And much later, when its lease is long over.
    let engine = build().start(memory.clone()).await.unwrap();
    let run = engine.client().start::<short_nap>("two", ()).await.unwrap();
    run.reaches(durable::Status::Suspended).await.unwrap();
    drop(engine);
    clock.advance(Duration::from_secs(86_400)).await;
    let engine = build().start(memory.clone()).await.unwrap();
    let run = engine.client().attach::<short_nap>("two").await.unwrap();
    soon(run.result()).await.unwrap().unwrap();
    engine.shutdown().await.unwrap();
}

/// A database that was restored from a moment before the worker registered still has runs in its name.
#[tokio::test]
async fn a_worker_that_the_database_forgot_takes_up_its_runs_again() {
    let (clock, memory) = (VirtualClock::new(), MemoryStore::new());
    let engine = builder(&clock, &Door::default());
    let engine = engine.start(memory.clone()).await.unwrap();
    let run = engine.client().start::<short_nap>("run", ()).await.unwrap();
    run.reaches(durable::Status::Suspended).await.unwrap();
    // The one worker so far: its row goes, and its runs are free.
    let other = NewWorker::until(clock.now().after(Duration::from_secs(3_600)));
    let other = memory.register_worker(other).await.unwrap();
    let mine = WorkerId::new(other.get() - 1);
    memory.retire_worker(mine).await.unwrap();
    clock.advance(Duration::from_secs(6)).await;
    soon(run.result()).await.unwrap().unwrap();
    engine.shutdown().await.unwrap();
}
