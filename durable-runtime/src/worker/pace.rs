//! Tells a clock that jumps over idle time when this engine has nothing to do. With a clock that runs
//! by itself, all of it does nothing.

use std::{fmt, sync::Arc};

use tokio::sync::Notify;

use crate::{
    clock::{Clock, Pacer, Rest},
    journal::Timestamp,
};

/// One engine's side of a clock that jumps.
pub(crate) struct Pace {
    clock: Arc<dyn Clock>,
    engine: Option<u64>,
    /// Notified when there is a reason to look whether the engine rests.
    pub(super) stirred: Arc<Notify>,
}

impl Pace {
    pub(super) fn of(clock: &Arc<dyn Clock>) -> Self {
        let stirred = Arc::new(Notify::new());
        Self {
            engine: clock.pacer().map(|pacer| pacer.join(Arc::clone(&stirred))),
            clock: Arc::clone(clock),
            stirred,
        }
    }

    fn pacer(&self) -> Option<(u64, &dyn Pacer)> {
        Some((self.engine?, self.clock.pacer()?))
    }

    /// Whether the clock waits for engines to rest.
    pub(super) fn is_kept(&self) -> bool {
        self.engine.is_some()
    }

    /// Tells that the engine rests.
    pub(super) fn rest(&self, rest: Rest) {
        if let Some((engine, pacer)) = self.pacer() {
            pacer.rest(engine, rest);
        }
    }

    /// Tells that something has reached the engine.
    pub(super) fn stir(&self) {
        if let Some((engine, pacer)) = self.pacer() {
            pacer.stir(engine);
        }
    }

    /// Has the engine look anew whether it rests.
    pub(super) fn look(&self) {
        self.stir();
        if self.is_kept() {
            self.stirred.notify_one();
        }
    }

    /// Whether this engine is the only one on a clock that jumps: then nobody else is alive.
    pub(super) fn is_alone(&self) -> bool {
        let pacer = self.pacer();
        pacer.is_some_and(|(engine, pacer)| pacer.is_alone(engine))
    }

    /// Tells that the engine has ended, and when its lease ends if it did not give its runs back.
    pub(super) fn leave(&self, lease_until: Option<Timestamp>) {
        if let Some((engine, pacer)) = self.pacer() {
            pacer.leave(engine, lease_until);
        }
    }
}

impl fmt::Debug for Pace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pace")
            .field("engine", &self.engine)
            .finish_non_exhaustive()
    }
}
