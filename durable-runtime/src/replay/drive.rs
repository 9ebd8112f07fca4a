//! The order of turns: what is done in a round, and what comes after what.

use std::sync::atomic::Ordering;

use super::{Compensate, Machine, Moment, Report, Resolution, Resting, RollbackStep, Turn};
use crate::{
    failure::{Failure, FailureKind},
    journal::Timestamp,
    record::{Commit, Ownership},
};

/// How often a body is polled in a row before other runs get their turn.
const POLLS_IN_A_ROW: u32 = 64;

/// Where a machine is in its turns.
#[derive(Debug, Default)]
pub(super) struct Drive {
    phase: Phase,
    code: UserCode,
    round: Round,
    /// Until when a body that winds down is waited for. `None`: it was not told to.
    grace_until: Option<Timestamp>,
}

/// See the picture in [`turn`](super::turn).
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Phase {
    #[default]
    Resting,
    Working,
    Writing,
    Written,
    Leaving,
    Left,
}

/// The user code that the shell holds.
#[derive(Debug, Default)]
enum UserCode {
    /// The body, of which only the input is there.
    #[default]
    Input,
    Body,
    Compensation(CompensationInFlight),
    None,
}

/// A compensation that runs.
#[derive(Debug)]
struct CompensationInFlight {
    compensate: Compensate,
    deadline: Timestamp,
    /// Whether it was polled after its deadline.
    is_late: bool,
    /// What it came to; it is dropped then.
    result: Option<Resolution>,
}

/// What belongs to one round.
#[derive(Debug, Default)]
struct Round {
    /// Whether something moved since the body was quiet last.
    moved: bool,
    /// How often the body was polled since an event was delivered to it.
    polls: u32,
    /// Whether a body that winds down was polled.
    wound_down: bool,
    /// Whether the next round is due at once.
    goes_on: bool,
    /// When a rollback goes on.
    wake: Option<Timestamp>,
}

impl Machine {
    /// Takes in what the shell has to tell. It has effect in the turns that follow.
    pub fn report(&mut self, report: Report) {
        match report {
            Report::Committed { events } => {
                self.handle_committed(events);
                if self.drive.phase == Phase::Leaving {
                    self.drive.phase = Phase::Left;
                }
            }
            Report::Refused(reason) => {
                self.handle_refused(reason);
                self.drive.phase = Phase::Resting;
            }
            Report::Mail(mail) => self.handle_mail(mail),
            Report::Parked(reason) => self.park(reason),
            Report::Ended(result) => match &mut self.drive.code {
                UserCode::Compensation(compensation) => compensation.result = Some(result),
                _ => {
                    self.drive.code = UserCode::None;
                    self.handle_body(result);
                }
            },
            Report::Broken(what) => {
                self.drive.code = UserCode::None;
                let reason = self.broken(&what);
                self.park(reason.to_string());
            }
        }
    }

    /// What the shell does next. See [`turn`](super::turn) for the order.
    pub fn turn(&mut self, moment: &Moment<'_>) -> Turn {
        let turn = self.next_turn(moment);
        #[cfg(debug_assertions)]
        self.recount();
        turn
    }

    fn next_turn(&mut self, moment: &Moment<'_>) -> Turn {
        self.set_time(moment.now);
        self.held = !moment.may_start;
        loop {
            match self.drive.phase {
                Phase::Resting => {
                    self.drive.round = Round::default();
                    self.drive.phase = Phase::Working;
                    // A cancellation that is already here must find the body not begun.
                    self.drive.round.moved = self.settle();
                }
                Phase::Working => match self.work(moment) {
                    Some(turn) => return turn,
                    None => self.drive.phase = Phase::Writing,
                },
                Phase::Writing => {
                    self.drive.phase = Phase::Written;
                    if let Some(commit) = self.write(moment) {
                        return Turn::Commit(commit);
                    }
                }
                Phase::Written => {
                    self.drive.phase = Phase::Resting;
                    return Turn::Rest(self.rest(moment));
                }
                Phase::Leaving => return Turn::Rest(Resting::UNTIL_WRITTEN),
                Phase::Left => return Turn::Leave,
            }
        }
    }

    /// The next turn of a round; `None` when nothing moves any more.
    fn work(&mut self, moment: &Moment<'_>) -> Option<Turn> {
        loop {
            if self.is_over() {
                return None;
            }
            if self.is_rolling_back() {
                return self.roll_back(moment);
            }
            let is_woken = moment.woken.swap(false, Ordering::AcqRel);
            if is_woken && !matches!(self.drive.code, UserCode::None) {
                return self.poll_body(moment);
            }
            match self.deliver_next() {
                Err(reason) => self.park(reason.to_string()),
                Ok(true) => self.drive.round.polls = 0,
                Ok(false) => {
                    let moved = self.settle() | std::mem::take(&mut self.drive.round.moved);
                    let goes_on = moved || self.is_over() || self.is_rolling_back();
                    if !goes_on && !moment.woken.load(Ordering::Acquire) {
                        self.check_foreign_await();
                        return None;
                    }
                }
            }
        }
    }

    /// Whether the body runs no further here: the run has ended, or is parked.
    fn is_over(&self) -> bool {
        self.has_ended() || self.is_parked()
    }

    /// Has the body polled, which was woken; `None` when it is the turn of other runs.
    fn poll_body(&mut self, moment: &Moment<'_>) -> Option<Turn> {
        self.drive.round.polls += 1;
        if self.drive.round.polls > POLLS_IN_A_ROW {
            moment.woken.store(true, Ordering::Release);
            self.drive.round.goes_on = true;
            return None;
        }
        if matches!(self.drive.code, UserCode::Input) {
            self.drive.code = UserCode::Body;
            moment.woken.store(true, Ordering::Release);
            let recorded = self.recorded;
            return Some(Turn::Begin { recorded });
        }
        let silently = self.is_replaying();
        Some(Turn::Poll { silently })
    }

    fn check_foreign_await(&mut self) {
        if matches!(self.drive.code, UserCode::Body)
            && let Some(reason) = self.foreign_await()
        {
            self.park(reason.to_string());
        }
    }

    /// What is done next for a run that is being rolled back: its body goes, then compensations run.
    fn roll_back(&mut self, moment: &Moment<'_>) -> Option<Turn> {
        match self.drive.code {
            UserCode::Input | UserCode::Body => return self.wind_down(moment),
            UserCode::Compensation(_) if self.ledger.abandoned => return Some(self.drop_code()),
            UserCode::Compensation(_) => self.take_ended_compensation(),
            UserCode::None => {}
        }
        if matches!(self.drive.code, UserCode::Compensation(_)) {
            return self.await_compensation(moment);
        }
        if self.is_over() {
            return None;
        }
        match self.next_rollback() {
            RollbackStep::Compensate(compensate) if moment.may_start => {
                return Some(self.compensate(compensate, moment));
            }
            RollbackStep::Until(at) => self.drive.round.wake = Some(at),
            RollbackStep::Stuck(reason) => self.park(reason.to_string()),
            RollbackStep::Compensate(_) | RollbackStep::Wait | RollbackStep::Done => {}
        }
        None
    }

    fn drop_code(&mut self) -> Turn {
        self.drive.code = UserCode::None;
        Turn::Drop
    }

    /// Gives step bodies a while to end that asked to be told of a cancellation, or may have to be undone;
    /// has the body dropped otherwise.
    fn wind_down(&mut self, moment: &Moment<'_>) -> Option<Turn> {
        if matches!(self.drive.code, UserCode::Input) {
            return Some(self.drop_code());
        }
        let Some(until) = self.drive.grace_until else {
            self.drive.grace_until = Some(self.wall.after(self.limits.cancel_grace));
            return Some(Turn::Cancel);
        };
        let is_waited_for =
            moment.is_cancel_awaited && self.is_executing() || self.executes_compensated();
        if self.wall >= until || !is_waited_for {
            return Some(self.drop_code());
        }
        if !self.drive.round.wound_down && moment.woken.swap(false, Ordering::AcqRel) {
            self.drive.round.wound_down = true;
            return Some(Turn::Poll { silently: false });
        }
        self.drive.round.wake = Some(until);
        None
    }

    fn compensate(&mut self, compensate: Compensate, moment: &Moment<'_>) -> Turn {
        self.drive.code = UserCode::Compensation(CompensationInFlight {
            compensate: compensate.clone(),
            deadline: self.wall.after((compensate.rule.timeout)()),
            is_late: false,
            result: None,
        });
        moment.woken.store(true, Ordering::Release);
        Turn::Compensate(compensate)
    }

    /// Takes in what the compensation in flight came to, if it has ended.
    fn take_ended_compensation(&mut self) {
        let UserCode::Compensation(compensation) = &mut self.drive.code else {
            return;
        };
        let Some(result) = compensation.result.take() else {
            return;
        };
        let compensate = compensation.compensate.clone();
        self.drive.code = UserCode::None;
        match (self.fault.clone(), result) {
            // What it was not given is no failure of its own: another build goes on with it.
            (Some(reason), Err(_)) => self.park(reason.to_string()),
            (_, result) => self.handle_compensation(&compensate, result),
        }
    }

    /// What is done for the compensation in flight; `None` when it is waited for.
    fn await_compensation(&mut self, moment: &Moment<'_>) -> Option<Turn> {
        let UserCode::Compensation(compensation) = &mut self.drive.code else {
            return None;
        };
        if compensation.is_late {
            let message = "the attempt took longer than the timeout of the compensation";
            compensation.result = Some(Err(Failure::new(FailureKind::Timeout, message)));
            return Some(Turn::Drop);
        }
        // What is late gets a last chance to say what it came to.
        compensation.is_late = self.wall >= compensation.deadline;
        if compensation.is_late || moment.woken.swap(false, Ordering::AcqRel) {
            return Some(Turn::Poll { silently: false });
        }
        self.drive.round.wake = Some(compensation.deadline);
        None
    }

    /// What there is to write.
    fn write(&mut self, moment: &Moment<'_>) -> Option<Commit> {
        if let Some(reason) = self.history_exceeded() {
            self.park(reason);
        }
        let commit = self.take_commit(moment.residency)?;
        let update = commit.update.as_ref();
        if update.is_some_and(|update| update.ownership != Ownership::Keep) {
            self.drive.phase = Phase::Leaving;
        }
        Some(commit)
    }

    fn rest(&self, moment: &Moment<'_>) -> Resting {
        let compensates = matches!(self.drive.code, UserCode::Compensation(_));
        let has_code = !matches!(self.drive.code, UserCode::None);
        let wakes = [self.next_wake(moment.residency), self.drive.round.wake];
        Resting {
            wake: wakes.into_iter().flatten().min(),
            is_busy: compensates || self.committing.is_some() || self.is_executing(),
            listens: has_code && !self.is_over(),
            goes_on: self.drive.round.goes_on,
        }
    }
}

impl Resting {
    /// A commit is in flight that lets go of the run.
    const UNTIL_WRITTEN: Self = Self {
        wake: None,
        is_busy: true,
        listens: false,
        goes_on: false,
    };
}
