//! Waits for signals.

use std::{borrow::Cow, time::Duration};

use super::{Begun, Place, Work};
use crate::{
    failure::{Failure, FailureKind},
    journal::{EventKind, Payload},
    replay::operation::State,
};

/// To wait for a signal.
#[derive(Debug)]
pub struct SignalWork {
    /// The signal's name, after the names of its scopes.
    pub name: Cow<'static, str>,
    /// When to give up.
    pub timeout: Option<Duration>,
}

impl Work for SignalWork {
    fn noun(&self) -> &'static str {
        "signal"
    }

    /// A signal that is there is taken without a record of the wait. A wait that is recorded still has to
    /// find its signal.
    fn begin(&mut self, place: &mut Place<'_>) -> Begun {
        let is_new = place.is_new();
        if !is_new && !matches!(place.state(), State::Waiting { .. }) {
            return Begun::Done;
        }
        let has_come = place.machine.mailbox.has(&self.name);
        let waiter = place.index;
        place.machine.mailbox.await_named(self.name.clone(), waiter);
        match (is_new, has_come) {
            (true, true) => return Begun::UnlessMailIsThere,
            (true, false) => self.wait(place),
            (false, _) => {}
        }
        Begun::Done
    }

    fn wait(&mut self, place: &mut Place<'_>) {
        let due = self.timeout.map(|timeout| place.wall().after(timeout));
        place.note(EventKind::SignalAwaited { due });
    }

    fn receive(&mut self, place: &mut Place<'_>, payload: Payload) {
        place.propose(EventKind::SignalReceived { payload });
    }

    fn fire(&mut self, place: &mut Place<'_>) {
        place.propose(EventKind::TimerFired);
    }

    fn deliver(&mut self, place: &mut Place<'_>, event: EventKind) -> Result<(), EventKind> {
        match event {
            EventKind::SignalAwaited { due } => place.set(State::Waiting {
                until: due,
                from_outside: true,
            }),
            EventKind::SignalReceived { payload } => place.resolve(Ok(payload)),
            EventKind::TimerFired => {
                let message = format!("signal `{}` did not come in time", self.name);
                let failure = Failure::new(FailureKind::Timeout, message);
                let failure = failure.at_step(place.id(), 0);
                place.resolve(Err(failure));
            }
            other => return Err(other),
        }
        Ok(())
    }
}
