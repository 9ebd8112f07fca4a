//! Drives one run: hands the machine what comes in, polls the body, sends off what is to be written.

use std::{
    future::Future,
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
    failure::{Failure, FailureKind},
    journal::{Payload, Timestamp},
    observe,
    registry::{BodyFuture, Definition},
    replay::{Compensate, Machine, Residency, RollbackStep},
    store::Ownership,
};

/// How often a body is polled in a row before other tasks get their turn.
const POLLS_IN_A_ROW: u32 = 64;

/// The task of one run in memory. It ends when the run leaves memory.
pub(super) struct WorkflowTask {
    shared: Arc<Shared>,
    slot: Arc<Slot>,
    run: SharedRun,
    definition: &'static Definition,
    waker: Waker,
    body: Body,
    compensation: Option<Compensation>,
    /// The run may be what killed its workers: it does not linger, so that others get their turn.
    on_trial: bool,
    /// The commit in flight lets go of the run.
    leaving: bool,
    /// How the run ends with the commit in flight.
    ending: Option<Ending>,
    /// The wake-up time that the timers know.
    wake_at: Option<Timestamp>,
    /// When a body that is winding down is dropped.
    grace_until: Option<Timestamp>,
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

enum Body {
    NotStarted(Payload),
    Running(BodyFuture),
    Gone,
}

struct Compensation {
    compensate: Compensate,
    future: Pin<Box<dyn Future<Output = Result<(), Failure>> + Send>>,
    cancellation: Arc<Cancellation>,
    /// When the attempt is dropped.
    deadline: Timestamp,
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
            body: Body::NotStarted(input),
            compensation: None,
            on_trial,
            leaving: false,
            ending: None,
            wake_at: None,
            grace_until: None,
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

#[derive(PartialEq, Eq)]
enum Drive {
    Quiet,
    Yielded,
}

impl WorkflowTask {
    fn go_on(&mut self, task: &Waker) -> Poll<()> {
        let inputs = self.slot.take(task);
        if self.take_in(inputs).is_break() {
            return Poll::Ready(());
        }
        if self.leaving {
            // Nothing moves until the commit is durable.
            self.slot.take_woken();
            self.rest();
            return Poll::Pending;
        }
        self.look();
        let drive = self.drive();
        self.send_commit();
        self.set_timer();
        if drive == Drive::Yielded || !self.rest() {
            task.wake_by_ref();
        }
        Poll::Pending
    }

    /// Tells the machine the time and whether steps may start.
    fn look(&self) {
        let now = self.shared.clock.now();
        let mut machine = self.run.machine();
        machine.set_time(now);
        machine.hold_steps(!self.shared.may_start_steps(now));
    }

    fn take_in(&mut self, inputs: Vec<Input>) -> std::ops::ControlFlow<()> {
        let mut machine = self.run.machine();
        for input in inputs {
            match input {
                Input::Committed { events } => {
                    machine.handle_committed(events);
                    if self.leaving {
                        if let Some(ending) = &self.ending {
                            ending.observe(&self.run.id, self.definition.name);
                        }
                        return std::ops::ControlFlow::Break(());
                    }
                }
                Input::Mail(mail) => machine.handle_mail(mail),
                // Who does not wait any more does not want to know.
                Input::Tell(reply) => drop(reply.send(machine.attempts())),
                Input::Park(reason) => machine.park(reason),
                Input::Refused(reason) => {
                    machine.handle_refused(reason);
                    self.leaving = false;
                }
                Input::Look => self.wake_at = None,
                Input::Drop => return std::ops::ControlFlow::Break(()),
            }
        }
        std::ops::ControlFlow::Continue(())
    }

    /// Goes on until nothing moves: each event is delivered alone, and the body polled to quiescence
    /// after it.
    fn drive(&mut self) -> Drive {
        let mut polls = 0;
        // A cancellation that is already here must find the body not started.
        let mut moved = self.run.machine().settle();
        loop {
            if self.is_over() {
                return Drive::Quiet;
            }
            if self.run.machine().is_rolling_back() {
                return self.roll_back();
            }
            while self.slot.take_woken() {
                polls += 1;
                if polls > POLLS_IN_A_ROW {
                    self.slot.wake_body();
                    return Drive::Yielded;
                }
                self.poll_body();
            }
            let delivered = self.run.machine().deliver_next();
            match delivered {
                Err(reason) => self.park(&reason),
                Ok(true) => {
                    polls = 0;
                    continue;
                }
                Ok(false) => moved = self.run.machine().settle() || moved,
            }
            if !std::mem::take(&mut moved) && !self.slot.is_woken() && !self.must_go_on() {
                break;
            }
        }
        self.check_foreign_await();
        Drive::Quiet
    }

    fn is_over(&self) -> bool {
        let machine = self.run.machine();
        machine.has_ended() || machine.is_parked()
    }

    /// Whether the last settling ended the body or began a rollback.
    fn must_go_on(&self) -> bool {
        let machine = self.run.machine();
        machine.is_rolling_back() || machine.is_parked() || machine.has_ended()
    }

    fn poll_body(&mut self) {
        if let Body::NotStarted(input) = &self.body {
            let ctx = Ctx::new(self.run.clone());
            let definition = self.definition;
            match (definition.body)(ctx, input) {
                Ok(body) => {
                    let events = self.run.machine().recorded();
                    observe::run::taken_up(&self.run.id, definition.name, events);
                    let span = observe::span_of_run(&self.run.id, definition.name);
                    self.body = Body::Running(observe::in_span(span, body));
                }
                Err(failure) => {
                    let reason = self
                        .run
                        .machine()
                        .broken(&format!("to read the run's input: {failure}"));
                    return self.park(&reason);
                }
            }
        }
        let Body::Running(body) = &mut self.body else {
            return;
        };
        let mut cx = Context::from_waker(&self.waker);
        let is_replaying = self.run.machine().is_replaying();
        let mut poll = || body.as_mut().poll(&mut cx);
        let polled = catch_unwind(AssertUnwindSafe(|| match is_replaying {
            true => observe::silently(poll),
            false => poll(),
        }));
        self.look();
        match polled {
            Ok(Poll::Pending) => {}
            Ok(Poll::Ready(result)) => {
                // Dropped first: operations that were let go of are part of how the body ended.
                self.drop_body();
                self.run.machine().handle_body(result);
            }
            Err(panic) => {
                let what = format!("the body panicked: {}", panic_message(&*panic));
                let reason = self.run.machine().broken(&what);
                self.drop_body();
                self.park(&reason);
            }
        }
    }

    fn drop_body(&mut self) {
        let body = std::mem::replace(&mut self.body, Body::Gone);
        self.drop_user_code(body);
    }

    /// A destructor that panics must not take the worker along.
    fn drop_user_code<T>(&self, code: T) {
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| drop(code))) {
            observe::worker::destructor_panicked(&self.run.id, panic_message(&*panic));
        }
    }

    fn check_foreign_await(&mut self) {
        if matches!(self.body, Body::Running(_)) {
            let foreign = self.run.machine().foreign_await();
            if let Some(reason) = foreign {
                self.park(&reason);
            }
        }
    }

    fn park(&mut self, reason: &dyn std::fmt::Display) {
        self.run.machine().park(reason.to_string());
    }

    fn roll_back(&mut self) -> Drive {
        if self.is_winding_down() {
            return Drive::Quiet;
        }
        if self.run.machine().is_rollback_abandoned() {
            self.drop_compensation();
        }
        loop {
            if self.poll_compensation().is_pending() || self.is_over() {
                return Drive::Quiet;
            }
            let next = self.run.machine().next_rollback();
            match next {
                RollbackStep::Compensate(_) if self.is_held() => return Drive::Quiet,
                RollbackStep::Compensate(compensate) => self.start_compensation(compensate),
                RollbackStep::Until(at) => {
                    self.shared.timers.set(at, &self.slot);
                    return Drive::Quiet;
                }
                RollbackStep::Stuck(reason) => {
                    self.park(&reason);
                    return Drive::Quiet;
                }
                RollbackStep::Wait | RollbackStep::Done => return Drive::Quiet,
            }
        }
    }

    fn is_held(&self) -> bool {
        !self.shared.may_start_steps(self.shared.clock.now())
    }

    /// Gives step bodies a while to wind down that asked to be told of a cancellation, or may have to be
    /// undone; drops the body otherwise.
    fn is_winding_down(&mut self) -> bool {
        if !matches!(self.body, Body::Running(_)) {
            self.body = Body::Gone;
            return false;
        }
        self.run.cancellation.set();
        let now = self.shared.clock.now();
        let grace = self.shared.tuning.cancel_grace;
        let until = *self.grace_until.get_or_insert_with(|| now.after(grace));
        if now < until && self.is_waited_for() {
            if self.slot.take_woken() {
                self.poll_body();
            }
            if self.is_waited_for() {
                self.shared.timers.set(until, &self.slot);
                return true;
            }
        }
        self.drop_body();
        false
    }

    /// Whether a step body is in flight that is not dropped at once when the run is canceled.
    fn is_waited_for(&self) -> bool {
        let machine = self.run.machine();
        let asked = self.run.cancellation.is_awaited() && machine.is_executing();
        matches!(self.body, Body::Running(_)) && (asked || machine.executes_compensated())
    }

    fn start_compensation(&mut self, compensate: Compensate) {
        let Compensate {
            step,
            outcome,
            attempt,
            ..
        } = compensate.clone();
        let Some(compensator) = self.definition.compensator(&step) else {
            let what = format!("to undo `{step}`, which this build does not have");
            let reason = self.run.machine().broken(&what);
            return self.park(&reason);
        };
        let span = observe::span_of_compensation(&self.run.id, &step, attempt);
        let cancellation = Arc::<Cancellation>::default();
        let told = Arc::clone(&cancellation);
        let ctx = StepCtx::compensation(self.run.clone(), step, attempt, told);
        let deadline = self.shared.clock.now().after((compensator.timeout)());
        let call = || span.in_scope(|| (compensator.call)(ctx, outcome));
        match catch_unwind(AssertUnwindSafe(call)) {
            Ok(future) => {
                let future = observe::in_span(span, future);
                self.slot.wake_body();
                self.shared.timers.set(deadline, &self.slot);
                self.compensation = Some(Compensation {
                    compensate,
                    future,
                    cancellation,
                    deadline,
                });
            }
            Err(panic) => self.end_compensation(&compensate, Err(panicked(&*panic))),
        }
    }

    fn poll_compensation(&mut self) -> Poll<()> {
        let Some(compensation) = &mut self.compensation else {
            return Poll::Ready(());
        };
        let late = self.shared.clock.now() >= compensation.deadline;
        if !late && !self.slot.take_woken() {
            return Poll::Pending;
        }
        let mut cx = Context::from_waker(&self.waker);
        let future = &mut compensation.future;
        let result = match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(&mut cx))) {
            Ok(Poll::Pending) if !late => return Poll::Pending,
            Ok(Poll::Pending) => Err(Failure::new(
                FailureKind::Timeout,
                "the attempt took longer than the timeout of the compensation",
            )),
            Ok(Poll::Ready(result)) => result,
            Err(panic) => Err(panicked(&*panic)),
        };
        if let Some(compensate) = self.drop_compensation() {
            self.end_compensation(&compensate, result);
        }
        Poll::Ready(())
    }

    /// Drops the compensation in flight. What it has handed its context to is told.
    fn drop_compensation(&mut self) -> Option<Compensate> {
        let Compensation {
            compensate,
            future,
            cancellation,
            ..
        } = self.compensation.take()?;
        cancellation.set();
        self.drop_user_code(future);
        Some(compensate)
    }

    fn end_compensation(&mut self, compensate: &Compensate, result: Result<(), Failure>) {
        let null = || Payload::from_bytes(b"null".as_slice());
        let mut machine = self.run.machine();
        machine.set_time(self.shared.clock.now());
        let unfit = machine.fault();
        match (unfit, result) {
            // What it was not given is no failure of its own: another build goes on with it.
            (Some(reason), Err(_)) => {
                drop(machine);
                self.park(&reason);
            }
            (_, result) => machine.handle_compensation(compensate, result.map(|()| null())),
        }
    }

    fn send_commit(&mut self) {
        let mut machine = self.run.machine();
        if let Some(reason) = machine.history_exceeded() {
            machine.park(reason);
        }
        let commit = machine.take_commit(self.residency());
        let busy = commit.is_some()
            || machine.is_executing()
            || self.compensation.is_some()
            || machine.is_committing();
        drop(machine);
        self.slot.set_busy(busy);
        if let Some(commit) = commit {
            let keeps = commit
                .update
                .as_ref()
                .is_none_or(|u| u.ownership == Ownership::Keep);
            self.leaving = !keeps;
            self.ending = if keeps { None } else { ending_of(&commit) };
            self.shared.request(Request::Commit {
                commit,
                slot: Arc::clone(&self.slot),
            });
        }
    }

    fn residency(&self) -> Residency {
        let residency = self.shared.residency();
        Residency {
            pressed: residency.pressed || self.on_trial,
            ..residency
        }
    }

    fn set_timer(&mut self) {
        let wake = self.run.machine().next_wake(self.residency());
        if let Some(at) = wake.filter(|at| self.wake_at.is_none_or(|known| *at < known)) {
            self.wake_at = Some(at);
            self.shared.timers.set(at, &self.slot);
        }
    }

    /// Nothing moves until something reaches the run: tells those who wait for that. `false` when the body was
    /// woken meanwhile.
    fn rest(&self) -> bool {
        if !self.listens() {
            self.slot.take_woken();
        }
        let rests = self.slot.rest(self.is_at_work());
        if self.shared.pace.is_kept() || self.shared.is_stopping() {
            self.shared.pace.stirred.notify_one();
        }
        rests
    }

    /// Whether there is user code to be polled when it is woken.
    fn listens(&self) -> bool {
        let is_there = self.compensation.is_some() || !matches!(self.body, Body::Gone);
        is_there && !self.is_over()
    }

    /// Whether user code is in flight that waits for something other than a clock that jumps.
    fn is_at_work(&self) -> bool {
        let Some(pacer) = self.shared.clock.pacer() else {
            return true;
        };
        let machine = self.run.machine();
        let compensation = self.compensation.as_ref().map(|_| &self.waker);
        let mut wakers = machine.attempt_wakers().chain(compensation);
        wakers.any(|waker| !pacer.wakes(waker))
    }
}
