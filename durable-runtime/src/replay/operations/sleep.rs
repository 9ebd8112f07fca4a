//! Sleeps.

use std::time::Duration;

use super::{Begun, Place, Work};
use crate::{
    journal::{EventKind, Payload, Timestamp},
    replay::operation::State,
};

/// When a timer is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Due {
    /// This long after it is armed.
    After(Duration),
    /// At this time.
    At(Timestamp),
}

/// To wait for a time.
#[derive(Debug)]
pub struct SleepWork(
    /// How long.
    pub Due,
);

impl Work for SleepWork {
    fn noun(&self) -> &'static str {
        "sleep"
    }

    fn begin(&mut self, place: &mut Place<'_>) -> Begun {
        if place.is_new() {
            let due = match self.0 {
                Due::After(duration) => place.wall().after(duration),
                Due::At(at) => at,
            };
            place.propose(EventKind::TimerArmed { due });
        }
        Begun::Done
    }

    fn fire(&mut self, place: &mut Place<'_>) {
        place.propose(EventKind::TimerFired);
    }

    fn deliver(&mut self, place: &mut Place<'_>, event: EventKind) -> Result<(), EventKind> {
        match event {
            EventKind::TimerArmed { due } => place.set(State::Waiting {
                until: Some(due),
                from_outside: false,
            }),
            EventKind::TimerFired => place.resolve(Ok(Payload::null())),
            other => return Err(other),
        }
        Ok(())
    }
}
