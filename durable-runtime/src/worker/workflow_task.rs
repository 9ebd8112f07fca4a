//! Drives one run: tells its machine what comes in, and does what the machine says.

use std::{
    future::Future,
    ops::ControlFlow,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Waker},
};

use super::{
    Request, Shared,
    ending::{Ending, ending_of},
    slot::{Input, Slot},
};
use crate::{
    context::{Cancellation, Ctx, RunContext, SharedRun, StepCtx, panic_message, panicked},
    failure::Failure,
    journal::{Payload, Timestamp},
    observe,
    registry::{BodyFuture, Definition},
    replay::{Compensate, Machine, Moment, Report, Residency, Resting, Turn},
    store::{Commit, Ownership},
};

/// The task of one run in memory. It ends when the run leaves memory.
pub(super) struct WorkflowTask {
    shared: Arc<Shared>,
    slot: Arc<Slot>,
    run: SharedRun,
    definition: &'static Definition,
    waker: Waker,
    code: UserCode,
    /// The run may be what killed its workers: it does not linger, so that others get their turn.
    on_trial: bool,
    /// How the run ends with the commit in flight.
    ending: Option<Ending>,
    /// The wake-up time that the timers know.
    wake_at: Option<Timestamp>,
    /// Whether the run has left memory in good order, and whether the task is being polled.
    is_done: bool,
    is_polled: bool,
}

impl Drop for WorkflowTask {
    fn drop(&mut self) {
        if !self.is_done {
            let slot = Arc::clone(&self.slot);
            let panicked = self.is_polled;
            self.shared.request(Request::Vanished { slot, panicked });
        }
    }
}

/// The user code of a run that is in memory.
enum UserCode {
    /// The body has not begun.
    Input(Payload),
    Body(BodyFuture),
    Compensation {
        future: Pin<Box<dyn Future<Output = Result<(), Failure>> + Send>>,
        /// How it learns that it is dropped.
        cancellation: Arc<Cancellation>,
    },
    None,
}

/// What is so from one poll of user code to the next.
#[derive(Clone, Copy)]
struct Look {
    now: Timestamp,
    may_start: bool,
}

impl WorkflowTask {
    pub(super) fn new(
        shared: &Arc<Shared>,
        slot: Arc<Slot>,
        machine: Machine,
        definition: &'static Definition,
        input: Payload,
        on_trial: bool,
    ) -> Self {
        Self {
            run: SharedRun::new(RunContext::new(
                machine,
                shared.state.clone(),
                input.clone(),
            )),
            shared: Arc::clone(shared),
            definition,
            waker: Waker::from(Arc::clone(&slot)),
            slot,
            code: UserCode::Input(input),
            on_trial,
            ending: None,
            wake_at: None,
            is_done: false,
            is_polled: false,
        }
    }
}

impl Future for WorkflowTask {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.is_polled = true;
        self.is_done = self.go_on(cx.waker()).is_ready();
        self.is_polled = false;
        if self.is_done {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    }
}

impl WorkflowTask {
    /// One round of the machine's turns.
    fn go_on(&mut self, task: &Waker) -> Poll<()> {
        if self.take_in(task).is_break() {
            return Poll::Ready(());
        }
        let residency = self.residency();
        let mut look = self.look();
        loop {
            let turn = self.run.machine().turn(&self.moment(look, residency));
            match turn {
                Turn::Begin { recorded } => self.begin(recorded),
                Turn::Poll { silently } => self.poll_code(silently),
                Turn::Cancel => self.run.cancellation.set(),
                Turn::Drop => self.drop_code(),
                Turn::Compensate(compensate) => self.compensate(compensate),
                Turn::Commit(commit) => {
                    self.send(commit);
                    // No time has passed.
                    continue;
                }
                Turn::Rest(rest) => {
                    self.rest(rest, task);
                    return Poll::Pending;
                }
                Turn::Leave => {
                    if let Some(ending) = &self.ending {
                        ending.observe(&self.run.id, self.definition.name);
                    }
                    return Poll::Ready(());
                }
            }
            look = self.look();
        }
    }

    /// Tells the machine what has come in. Breaks when the run is to stop at once.
    fn take_in(&mut self, task: &Waker) -> ControlFlow<()> {
        let inputs = self.slot.take(task);
        if inputs.is_empty() {
            return ControlFlow::Continue(());
        }
        let mut machine = self.run.machine();
        for input in inputs {
            match input {
                Input::Committed { events } => machine.report(Report::Committed { events }),
                Input::Refused(reason) => machine.report(Report::Refused(reason)),
                Input::Mail(mail) => machine.report(Report::Mail(mail)),
                Input::Park(reason) => machine.report(Report::Parked(reason)),
                // Who does not wait any more does not want to know.
                Input::Tell(reply) => drop(reply.send(machine.attempts())),
                Input::Look => self.wake_at = None,
                Input::Drop => return ControlFlow::Break(()),
            }
        }
        ControlFlow::Continue(())
    }

    fn look(&self) -> Look {
        let now = self.shared.clock.now();
        Look {
            now,
            may_start: self.shared.may_start_steps(now),
        }
    }

    fn residency(&self) -> Residency {
        let residency = self.shared.residency();
        Residency {
            pressed: residency.pressed || self.on_trial,
            ..residency
        }
    }

    fn moment(&self, look: Look, residency: Residency) -> Moment<'_> {
        Moment {
            now: look.now,
            may_start: look.may_start,
            residency,
            woken: self.slot.woken(),
            is_cancel_awaited: self.run.cancellation.is_awaited(),
        }
    }

    fn report(&self, report: Report) {
        self.run.machine().report(report);
    }

    fn begin(&mut self, recorded: u32) {
        let UserCode::Input(input) = &self.code else {
            return;
        };
        let ctx = Ctx::new(self.run.clone());
        match (self.definition.body)(ctx, input) {
            Ok(body) => {
                observe::run::taken_up(&self.run.id, self.definition.name, recorded);
                let span = observe::span_of_run(&self.run.id, self.definition.name);
                self.code = UserCode::Body(observe::in_span(span, body));
            }
            Err(failure) => {
                let what = format!("to read the run's input: {failure}");
                self.report(Report::Broken(what));
            }
        }
    }

    fn poll_code(&mut self, silently: bool) {
        let mut cx = Context::from_waker(&self.waker);
        let report = match &mut self.code {
            UserCode::Body(body) => {
                let mut poll = || body.as_mut().poll(&mut cx);
                let polled = catch_unwind(AssertUnwindSafe(|| match silently {
                    true => observe::silently(poll),
                    false => poll(),
                }));
                match polled {
                    Ok(Poll::Pending) => return,
                    Ok(Poll::Ready(result)) => Report::Ended(result),
                    Err(panic) => {
                        let message = panic_message(&*panic);
                        Report::Broken(format!("the body panicked: {message}"))
                    }
                }
            }
            UserCode::Compensation { future, .. } => {
                match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(&mut cx))) {
                    Ok(Poll::Pending) => return,
                    Ok(Poll::Ready(result)) => Report::Ended(result.map(|()| Payload::null())),
                    Err(panic) => Report::Ended(Err(panicked(&*panic))),
                }
            }
            UserCode::Input(_) | UserCode::None => return,
        };
        // Dropped first: operations that were let go of are part of how the body ended.
        self.drop_code();
        self.report(report);
    }

    /// Drops the user code that is there. What a compensation has handed its context to is told.
    fn drop_code(&mut self) {
        let code = std::mem::replace(&mut self.code, UserCode::None);
        if let UserCode::Compensation { cancellation, .. } = &code {
            cancellation.set();
        }
        // A destructor that panics must not take the worker along.
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| drop(code))) {
            observe::worker::destructor_panicked(&self.run.id, panic_message(&*panic));
        }
    }

    fn compensate(&mut self, compensate: Compensate) {
        let Compensate {
            step,
            outcome,
            attempt,
            ..
        } = compensate;
        let Some(compensator) = self.definition.compensator(&step) else {
            let what = format!("to undo `{step}`, which this build does not have");
            return self.report(Report::Broken(what));
        };
        let span = observe::span_of_compensation(&self.run.id, &step, attempt);
        let cancellation = Arc::<Cancellation>::default();
        let told = Arc::clone(&cancellation);
        let ctx = StepCtx::compensation(self.run.clone(), step, attempt, told);
        let call = || span.in_scope(|| (compensator.call)(ctx, outcome));
        match catch_unwind(AssertUnwindSafe(call)) {
            Ok(future) => {
                let future = observe::in_span(span, future);
                self.code = UserCode::Compensation {
                    future,
                    cancellation,
                };
            }
            Err(panic) => self.report(Report::Ended(Err(panicked(&*panic)))),
        }
    }

    fn send(&mut self, commit: Commit) {
        // Said before others can see the commit: a run with a commit in flight is not at rest.
        self.slot.set_busy(true);
        let update = commit.update.as_ref();
        let keeps = update.is_none_or(|update| update.ownership == Ownership::Keep);
        self.ending = if keeps { None } else { ending_of(&commit) };
        self.shared.request(Request::Commit {
            commit,
            slot: Arc::clone(&self.slot),
        });
    }

    /// Nothing moves until something reaches the run: tells those who wait for that, unless the body was woken
    /// meanwhile.
    fn rest(&mut self, rest: Resting, task: &Waker) {
        self.slot.set_busy(rest.is_busy);
        let is_earlier = |at: &Timestamp| self.wake_at.is_none_or(|known| *at < known);
        if let Some(at) = rest.wake.filter(is_earlier) {
            self.wake_at = Some(at);
            self.shared.timers.set(at, &self.slot);
        }
        if rest.goes_on {
            return task.wake_by_ref();
        }
        if !rest.listens {
            self.slot.take_woken();
        }
        let rests = self.slot.rest(self.is_at_work());
        if self.shared.pace.is_kept() || self.shared.is_stopping() {
            self.shared.pace.stirred.notify_one();
        }
        if !rests {
            task.wake_by_ref();
        }
    }

    /// Whether user code is in flight that waits for something other than a clock that jumps.
    fn is_at_work(&self) -> bool {
        let Some(pacer) = self.shared.clock.pacer() else {
            return true;
        };
        let machine = self.run.machine();
        let compensates = matches!(self.code, UserCode::Compensation { .. });
        let compensation = compensates.then_some(&self.waker);
        let mut wakers = machine.attempt_wakers().chain(compensation);
        wakers.any(|waker| !pacer.wakes(waker))
    }
}
