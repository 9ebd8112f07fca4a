//! The durable operations of a body, and what each is waiting for.

use std::{borrow::Cow, task::Waker};

use crate::{
    failure::Failure,
    journal::{Payload, StepId, Timestamp},
};

/// Which operation of a run; given out in the order in which operations are built.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct OperationIndex(pub(super) usize);

/// What an operation came to: a value, or why there is none.
pub type Resolution = Result<Payload, Failure>;

/// When a timer is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Due {
    /// This long after it is armed.
    After(std::time::Duration),
    /// At this time.
    At(Timestamp),
}

/// What an operation asks for when it is first polled.
#[derive(Debug, Clone)]
pub enum Ask {
    /// To execute a body.
    Step,
    /// To wait for a time.
    Sleep(Due),
    /// To wait for a signal of this name.
    Signal {
        /// The signal's name, after the names of its scopes.
        name: Cow<'static, str>,
        /// When to give up.
        timeout: Option<std::time::Duration>,
    },
    /// To start a child run and wait for its end.
    Child {
        /// The child's workflow.
        workflow: &'static str,
        /// Its input, or why there is none.
        input: Resolution,
    },
}

impl Ask {
    pub(super) fn noun(&self) -> &'static str {
        match self {
            Self::Step => "step",
            Self::Sleep(_) => "sleep",
            Self::Signal { .. } => "signal",
            Self::Child { .. } => "child",
        }
    }
}

/// The answer to a step that is polled.
#[derive(Debug)]
pub enum StepPoll {
    /// Nothing to do yet.
    Wait,
    /// Start this attempt, from 1. Told once.
    Execute {
        /// Which attempt.
        attempt: u32,
    },
    /// Go on with the attempt that was started.
    Continue {
        /// Whether its body is to be told that nobody waits for it much longer.
        told: bool,
    },
    /// Give up the attempt: it took longer than its timeout.
    TimedOut,
    /// The result.
    Done(Resolution),
}

#[derive(Debug)]
pub(super) struct Operation {
    pub(super) id: StepId,
    pub(super) ask: Option<Ask>,
    pub(super) state: State,
    pub(super) waker: Option<Waker>,
    /// Whether the body let go of it before it was resolved.
    pub(super) dropped: bool,
    /// Whether it is a step with a compensation: each start of an attempt is recorded.
    pub(super) compensated: bool,
    /// Whether the start of an attempt was delivered, and its end was not.
    pub(super) running: bool,
    /// Whether the attempt in flight is made again, since a crash cut it off.
    pub(super) repeated: bool,
    /// Whether nobody wants its result any more and only the end of its attempt is waited for.
    pub(super) let_go: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum State {
    /// Built; the body has not awaited it.
    Built,
    /// Awaited; nothing is recorded of it.
    Asked,
    /// A step of which the start of an attempt is recorded. `own`: by this machine, so that the attempt
    /// has not begun.
    Started { attempt: u32, own: bool },
    /// A step whose next attempt may start.
    Ready { attempt: u32 },
    /// A step whose attempt runs, and until when it may. `told`: its body knows that it is to end.
    Executing {
        attempt: u32,
        deadline: Option<Timestamp>,
        told: bool,
    },
    /// A step whose attempt has run past its deadline.
    Expired { attempt: u32 },
    /// A step whose attempt has ended; the event is proposed and not yet delivered.
    Proposed,
    /// A step between two attempts.
    Backoff { attempt: u32, retry_at: Timestamp },
    /// A timer that is armed.
    Armed { due: Timestamp },
    /// A signal that has not come.
    Awaiting { due: Option<Timestamp> },
    /// A child that runs.
    ChildRunning,
    /// Delivered; the body has not taken it.
    Resolved(Resolution),
    /// Taken by the body.
    Taken,
}

impl Operation {
    pub(super) fn new(id: StepId) -> Self {
        Self {
            id,
            ask: None,
            state: State::Built,
            waker: None,
            dropped: false,
            compensated: false,
            running: false,
            repeated: false,
            let_go: false,
        }
    }

    pub(super) fn resolve(&mut self, resolution: Resolution) {
        self.state = State::Resolved(resolution);
        self.wake();
    }

    pub(super) fn wake(&mut self) {
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }

    /// Whether the body awaits it and it is not resolved.
    pub(super) fn is_outstanding(&self) -> bool {
        !self.dropped && !matches!(self.state, State::Built | State::Resolved(_) | State::Taken)
    }

    /// When it needs attention next, if a time is known.
    pub(super) fn due(&self) -> Option<Timestamp> {
        match self.state {
            _ if self.dropped => None,
            State::Backoff { retry_at, .. } => Some(retry_at),
            State::Armed { due } => Some(due),
            State::Awaiting { due } => due,
            State::Executing { deadline, .. } => deadline,
            _ => None,
        }
    }

    /// Whether the engine works for it: not merely waiting for time, mail or a child.
    pub(super) fn is_busy(&self) -> bool {
        self.is_outstanding()
            && !matches!(
                self.state,
                State::Backoff { .. }
                    | State::Armed { .. }
                    | State::Awaiting { .. }
                    | State::ChildRunning
            )
    }

    /// Whether it waits for a signal or a child: something that may come at any moment.
    pub(super) fn awaits_mail(&self) -> bool {
        !self.dropped && matches!(self.state, State::Awaiting { .. } | State::ChildRunning)
    }

    /// Whether a step body is in flight.
    pub(super) fn is_executing(&self) -> bool {
        !self.dropped && matches!(self.state, State::Executing { .. } | State::Expired { .. })
    }
}
