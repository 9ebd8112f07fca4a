//! The state of a virtual clock, and when it jumps.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::Waker,
};

use tokio::sync::{Notify, futures::Notified};

use crate::{
    clock::{Pacer, Rest},
    journal::Timestamp,
};

/// A virtual time line and everybody who goes by it.
pub(super) struct Timeline {
    state: Mutex<State>,
    /// Notified when time that was moved by hand has arrived.
    arrived: Notify,
}

struct State {
    now: Timestamp,
    sleepers: BTreeMap<SleeperKey, Sleeper>,
    engines: BTreeMap<u64, Engine>,
    last_number: u64,
    /// Where time was moved to by hand, until it is there.
    goal: Option<Timestamp>,
    /// Whether a jump has begun, and not everybody was woken.
    jumping: bool,
    /// When the last lease ends that an engine left behind without giving its runs back.
    left_behind: Timestamp,
}

/// When a sleeper is to be woken, and its number.
pub(super) type SleeperKey = (Timestamp, u64);

struct Sleeper {
    waker: Waker,
    by_user: bool,
}

struct Engine {
    stirred: Arc<Notify>,
    /// How it rests; `None` while it does not.
    rest: Option<Rest>,
}

/// Whom a jump wakes.
#[derive(Default)]
struct Woken {
    sleepers: Vec<Sleeper>,
    engines: Vec<Arc<Notify>>,
}

impl Timeline {
    pub(super) fn starting_at(now: Timestamp) -> Self {
        Self {
            state: Mutex::new(State {
                now,
                sleepers: BTreeMap::new(),
                engines: BTreeMap::new(),
                last_number: 0,
                goal: None,
                jumping: false,
                left_behind: Timestamp::MIN,
            }),
            arrived: Notify::new(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn now(&self) -> Timestamp {
        self.lock().now
    }

    /// Has a sleeper woken when it is `at`. `None` when it is.
    pub(super) fn sleep(&self, at: Timestamp, waker: &Waker, by_user: bool) -> Option<SleeperKey> {
        let mut state = self.lock();
        if state.now >= at {
            return None;
        }
        let key = (at, state.next_number());
        let waker = waker.clone();
        state.sleepers.insert(key, Sleeper { waker, by_user });
        Some(key)
    }

    pub(super) fn forget(&self, sleeper: SleeperKey) {
        let forgotten = self.lock().sleepers.remove(&sleeper);
        // Its waker runs foreign code: not under the lock.
        drop(forgotten);
    }

    /// Resolves when time that is moved by hand has arrived.
    pub(super) fn arrival(&self) -> Notified<'_> {
        self.arrived.notified()
    }

    pub(super) fn move_by_hand(&self, by: std::time::Duration) {
        {
            let mut state = self.lock();
            let goal = state.now.after(by);
            state.goal = Some(state.goal.map_or(goal, |known| known.max(goal)));
        }
        self.go_on();
    }

    /// Jumps for as long as nobody has anything else to do.
    fn go_on(&self) {
        loop {
            let woken = {
                let mut state = self.lock();
                if state.has_arrived() {
                    state.goal = None;
                    self.arrived.notify_waiters();
                }
                let Some(stop) = state.next_stop() else {
                    return;
                };
                state.jump(stop)
            };
            woken.wake();
            self.lock().jumping = false;
        }
    }
}

impl State {
    fn next_number(&mut self) -> u64 {
        self.last_number += 1;
        self.last_number
    }

    fn rests(&self) -> impl Iterator<Item = Rest> {
        self.engines.values().filter_map(|engine| engine.rest)
    }

    fn all_rest(&self) -> bool {
        !self.jumping && self.engines.values().all(|engine| engine.rest.is_some())
    }

    fn has_arrived(&self) -> bool {
        self.all_rest() && self.goal.is_some_and(|goal| self.now >= goal)
    }

    /// Where to jump to, if it is time to.
    fn next_stop(&self) -> Option<Timestamp> {
        if !self.all_rest() {
            return None;
        }
        if let Some(goal) = self.goal {
            let sleeper = self.sleepers.keys().map(|(at, _)| *at).next();
            let engine = self.rests().map(|rest| rest.wakes).min();
            return [Some(goal), sleeper, engine].into_iter().flatten().min();
        }
        if !self.rests().any(|rest| rest.awaited) || self.rests().any(|rest| rest.at_work) {
            return None;
        }
        let by_user = |(key, sleeper): (&SleeperKey, &Sleeper)| sleeper.by_user.then_some(key.0);
        let sleeper = self.sleepers.iter().find_map(by_user);
        let due = self.rests().filter_map(|rest| self.due(rest)).min();
        let stop = [sleeper, due].into_iter().flatten().min();
        stop.filter(|stop| *stop < Timestamp::MAX)
    }

    /// When there is reason to wake an engine: also when it has yet to free the runs of one that died.
    fn due(&self, rest: Rest) -> Option<Timestamp> {
        let owes = rest.reaped <= self.left_behind && self.left_behind > Timestamp::MIN;
        let wakes = owes.then_some(rest.wakes);
        [rest.due, wakes].into_iter().flatten().min()
    }

    fn jump(&mut self, to: Timestamp) -> Woken {
        self.now = self.now.max(to);
        self.jumping = true;
        let later = self.sleepers.split_off(&(self.now, u64::MAX));
        let due = std::mem::replace(&mut self.sleepers, later);
        let engines = self.engines.values_mut().map(|engine| {
            engine.rest = None;
            Arc::clone(&engine.stirred)
        });
        Woken {
            sleepers: due.into_values().collect(),
            engines: engines.collect(),
        }
    }
}

impl Woken {
    /// Not under the lock: wakers run foreign code.
    fn wake(self) {
        for sleeper in self.sleepers {
            sleeper.waker.wake();
        }
        for engine in self.engines {
            engine.notify_one();
        }
    }
}

impl Pacer for Timeline {
    fn join(&self, stirred: Arc<Notify>) -> u64 {
        let mut state = self.lock();
        let number = state.next_number();
        let rest = None;
        state.engines.insert(number, Engine { stirred, rest });
        number
    }

    fn is_alone(&self, engine: u64) -> bool {
        self.lock().engines.keys().all(|other| *other == engine)
    }

    fn leave(&self, engine: u64, lease_until: Option<Timestamp>) {
        {
            let mut state = self.lock();
            state.engines.remove(&engine);
            state.left_behind = state.left_behind.max(lease_until.unwrap_or_default());
        }
        self.go_on();
    }

    fn rest(&self, engine: u64, rest: Rest) {
        if let Some(engine) = self.lock().engines.get_mut(&engine) {
            engine.rest = Some(rest);
        }
        self.go_on();
    }

    fn stir(&self, engine: u64) {
        if let Some(engine) = self.lock().engines.get_mut(&engine) {
            engine.rest = None;
        }
    }

    fn wakes(&self, waker: &Waker) -> bool {
        let state = self.lock();
        let mut sleepers = state.sleepers.values();
        sleepers.any(|sleeper| sleeper.by_user && sleeper.waker.will_wake(waker))
    }
}

impl fmt::Debug for Timeline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.lock();
        f.debug_struct("Timeline")
            .field("now", &state.now)
            .field("engines", &state.engines.len())
            .finish_non_exhaustive()
    }
}
