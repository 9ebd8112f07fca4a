//! The one writer: gathers what all runs have to write, claims runs, fires timers, keeps the lease.
//!
//! It is one actor, so that what it learns from the store and what it does about it happen in one
//! order: mail for a run goes either to the run's task or to its row, never between the two.

mod answers;
mod audit;
mod bounds;
mod claims;
mod culprits;
mod mail;
mod persist;
mod serve;
mod services;
mod shutdown;
mod tries;
mod withheld;

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use tokio::{
    sync::{mpsc, oneshot},
    task::yield_now,
};

use self::{
    bounds::{Bounds, Size},
    culprits::{Aside, Attempt},
    mail::Unread,
    persist::persist,
    services::Services,
    tries::Turn,
    withheld::Withheld,
};
use super::{Shared, slot::Slot};
use crate::{
    clock::Rest,
    journal::{MailId, RunKey, Timestamp},
    store::{
        Batch, BatchId, BatchOutcome, Commit, MailOutcome, NewMail, NewRun, StartOutcome,
        StoreError,
    },
};

/// The most requests that go into one batch: what is in several is worked at by the database and here at the
/// same time, and what is in one pays for the round trip once.
const BATCH_MAX: usize = 500;
/// The most bytes that are gathered for one batch; a single request may be larger.
const BATCH_BYTES_MAX: usize = 16 << 20;
/// The most pieces of mail that are read in one call.
const MAIL_MAX: usize = 1_000;
/// The most batches in a row that are sent off before everything else has its turn.
const BATCHES_IN_A_ROW: u32 = 16;
/// The most runs that are claimed in one transaction.
const CLAIM_MAX: usize = 500;

/// What is asked of the dispatcher.
#[derive(Debug)]
pub(crate) enum Request {
    /// Write the progress of a run.
    Commit { commit: Commit, slot: Arc<Slot> },
    /// Start a run.
    Start {
        run: NewRun,
        reply: oneshot::Sender<StartReply>,
    },
    /// Send mail.
    Mail {
        mail: NewMail,
        reply: oneshot::Sender<Result<MailOutcome, StoreError>>,
    },
    /// Let go of a run that cannot be driven here.
    LetGo { commit: Commit },
    /// The task of a run is gone, though the run has not left memory: its runtime has ended, or it has
    /// panicked.
    Vanished { slot: Arc<Slot>, panicked: bool },
    /// Finish what was asked before, and end.
    Shutdown,
}

/// The answer to a start.
#[derive(Debug)]
pub(crate) struct StartReply {
    /// An error when this one run cannot be started; nothing is written then.
    pub(crate) outcome: Result<StartOutcome, StoreError>,
}

pub(super) struct Dispatcher {
    shared: Arc<Shared>,
    requests: mpsc::UnboundedReceiver<Request>,
    /// Requests that go into the next batches.
    backlog: Vec<Request>,
    /// Requests that are tried by themselves.
    aside: Vec<Aside>,
    withheld: Withheld,
    /// When something may be tried by itself.
    turn: Turn,
    unread: Unread,
    bounds: Bounds,
    claim_bounds: Bounds,
    mail_bounds: Bounds,
    /// When a run that nobody owns is due next, as far as is known; else the end of time.
    next_claim: Timestamp,
    /// When to look for runs that nobody told us of, by steady time.
    next_poll: Duration,
    services: Services,
    /// The runs of workers whose lease ended before this have been freed.
    reaped: Timestamp,
    /// The run that was taken on trial last: when it gets further, another one may be taken.
    on_trial: Option<RunKey>,
    /// Whether runs wait in the database because there was no room in memory.
    short_of_room: bool,
    /// The last mail that was written here, and the last one before which others may have written.
    last_mail: MailId,
    last_gap: MailId,
    /// How many batches were sent.
    batches: i64,
}

/// Who asked for the parts of a batch, in the order of the batch.
#[derive(Default)]
struct Askers {
    starts: Vec<oneshot::Sender<StartReply>>,
    mail: Vec<oneshot::Sender<Result<MailOutcome, StoreError>>>,
    commits: Vec<Option<Arc<Slot>>>,
}

/// A batch that was not written, as far as its last try tells.
struct Failed {
    error: StoreError,
    may_be_written: bool,
}

/// A batch that is durable, of which nobody has been told.
struct Written {
    batch: Batch,
    askers: Askers,
    outcome: BatchOutcome,
    /// How long it took.
    took: Duration,
}

impl Dispatcher {
    pub(super) fn new(shared: Arc<Shared>, requests: mpsc::UnboundedReceiver<Request>) -> Self {
        Self {
            requests,
            backlog: Vec::new(),
            aside: Vec::new(),
            withheld: Withheld::default(),
            turn: Turn::default(),
            unread: Unread::default(),
            bounds: Bounds::new(Size {
                items: BATCH_MAX,
                bytes: BATCH_BYTES_MAX,
            }),
            claim_bounds: Bounds::new(Size::items(CLAIM_MAX)),
            mail_bounds: Bounds::new(Size::items(MAIL_MAX)),
            next_claim: Timestamp::MIN,
            next_poll: match shared.drives() {
                true => shared.steady.now(),
                false => Duration::MAX,
            },
            services: match shared.drives() {
                true => Services::of_a_worker(&shared),
                false => Services::default(),
            },
            reaped: Timestamp::MIN,
            shared,
            on_trial: None,
            short_of_room: false,
            last_mail: MailId::new(0),
            last_gap: MailId::new(0),
            batches: 0,
        }
    }

    /// Works until it is shut down or every handle of the engine is gone.
    pub(super) async fn run(mut self) {
        if self.shared.pace.is_alone()
            && let Err(error) = self.reap().await
        {
            self.shared.note_trouble(&error);
        }
        loop {
            let left = self.left();
            self.rest();
            let is_busy = !self.backlog.is_empty() || !self.unread.is_empty();
            tokio::select! {
                biased;
                hint = self.shared.store.hint() => self.heed(hint).await,
                count = self.requests.recv_many(&mut self.backlog, BATCH_MAX) => {
                    if count == 0 {
                        return self.shared.drop_all();
                    }
                }
                () = self.shared.timers.earlier.notified() => {}
                () = self.shared.pace.stirred.notified() => {}
                () = self.shared.steady.sleep(left) => {}
                () = yield_now(), if is_busy => {}
            }
            // Whatever has woken it, everything has its turn: nobody starves anybody.
            if self.write().await {
                return self.wind_down().await;
            }
            self.read_mail().await;
            self.shared.pace.stir();
            self.serve_all().await;
            let now = self.shared.clock.now();
            self.shared.timers.fire(now);
            if now >= self.next_claim || self.shared.steady.at(now) >= self.next_poll {
                self.claim(now).await;
            }
            self.try_withheld(now).await;
            self.try_aside().await;
        }
    }

    /// There may be runs to claim.
    fn look_for_runs(&mut self) {
        self.next_claim = Timestamp::MIN;
    }

    /// How long there is nothing to do, if nothing is asked before.
    fn left(&self) -> Duration {
        let routine = self.services.next().min(self.next_poll);
        let routine = routine.saturating_sub(self.shared.steady.now());
        let due = self.next_due();
        due.map_or(routine, |due| {
            routine.min(due.since(self.shared.clock.now()))
        })
    }

    /// When a run needs the worker next, as far as is known.
    fn next_due(&self) -> Option<Timestamp> {
        let drives = self.shared.drives();
        let claim = Some(self.next_claim).filter(|at| *at < Timestamp::MAX && drives);
        let doubt = drives && self.shared.is_in_doubt.load(Ordering::Acquire);
        let doubt = doubt.then_some(self.next_poll);
        let again = self.services.awaited().into_iter().chain(doubt).min();
        let again = again.map(|at| self.shared.wall(at));
        let timers = self.shared.timers.next();
        [claim, again, timers, self.next_try()]
            .into_iter()
            .flatten()
            .min()
    }

    /// Lets a clock that jumps know when nothing is left to do.
    fn rest(&self) {
        let Some(at_work) = self.rests_at_work() else {
            return;
        };
        // Only now: a run sets its timer before it rests.
        let left = self.left();
        if !left.is_zero() {
            self.shared.pace.rest(Rest {
                due: self.next_due(),
                wakes: self.shared.clock.now().after(left),
                at_work,
                // Somebody waits for what was set aside.
                awaited: self.shared.residents.are_awaited() || !self.aside.is_empty(),
                reaped: self.reaped,
            });
        }
    }

    /// Whether user code is at work while the engine rests; `None` when it does not, or when nobody
    /// wants to know.
    fn rests_at_work(&self) -> Option<bool> {
        if !self.shared.pace.is_kept() {
            return None;
        }
        let at_work = self.shared.residents.rest_at_work()?;
        // Only now: a run sends what it has to write before it rests.
        let rests = self.requests.is_empty() && self.backlog.is_empty() && self.unread.is_empty();
        rests.then_some(at_work)
    }

    /// Writes what has gathered, batch after batch for as long as there is something and nothing else is
    /// due. While a batch is on its way, those concerned are told of the one before: so the database
    /// does not wait for the runs, nor they for it. Gives whether a shutdown was asked for.
    async fn write(&mut self) -> bool {
        let mut written: Option<Written> = None;
        let mut shutdown = false;
        for _ in 0..BATCHES_IN_A_ROW {
            if self.backlog.len() < BATCH_MAX && !self.requests.is_empty() {
                self.requests.recv_many(&mut self.backlog, BATCH_MAX).await;
            }
            let fitting = self.bounds.fitting(&self.backlog);
            let requests = self.backlog.drain(..fitting).collect();
            let (batch, askers) = self.assemble(requests, &mut shutdown);
            if !batch.is_empty() {
                written = self.commit(batch, askers, written).await;
            }
            let is_done = self.backlog.is_empty() && (shutdown || self.requests.is_empty());
            if is_done || self.left().is_zero() {
                break;
            }
        }
        if let Some(written) = written {
            self.spread(written).await;
        }
        shutdown
    }

    /// Makes a batch durable, and meanwhile tells of the one before.
    async fn commit(
        &mut self,
        batch: Batch,
        askers: Askers,
        before: Option<Written>,
    ) -> Option<Written> {
        match self.attempt(batch, askers, before).await {
            Attempt::Written(written) => {
                self.bounds
                    .grow(Size::of_batch(&written.batch), written.took);
                Some(written)
            }
            Attempt::Failed {
                requests,
                error,
                took,
            } => {
                self.overcome(requests, error, took);
                None
            }
        }
    }

    /// Writes a batch, and meanwhile tells of the one before. An error is for the caller when it may be
    /// about a part of the batch; and for a client also when it does not pass by itself.
    async fn make_durable(
        &mut self,
        batch: &Batch,
        before: Option<Written>,
    ) -> Result<BatchOutcome, Failed> {
        let shared = Arc::clone(&self.shared);
        let is_given_back = |error: &StoreError| {
            error.may_be_of_a_part() || !(shared.drives() || error.is_transient())
        };
        let tries = AtomicU32::new(0);
        let writing = persist(&shared, is_given_back, |store| {
            tries.fetch_add(1, Ordering::Relaxed);
            store.commit(batch)
        });
        let telling = async {
            if let Some(before) = before {
                // The batch is sent off first.
                yield_now().await;
                self.spread(before).await;
            }
        };
        let (outcome, ()) = tokio::join!(biased; writing, telling);
        outcome.map_err(|error| Failed {
            // One that was tried before may have been written then.
            may_be_written: error.is_timeout() || tries.load(Ordering::Relaxed) > 1,
            error,
        })
    }

    /// The requests as a batch, and who asked for its parts. Mail waits behind mail to the same run.
    fn assemble(&mut self, requests: Vec<Request>, shutdown: &mut bool) -> (Batch, Askers) {
        let mut parts = Vec::with_capacity(requests.len());
        for request in requests {
            match request {
                Request::Vanished { slot, panicked } => self.bury(&slot, panicked),
                Request::Shutdown => *shutdown = true,
                request => parts.extend(self.queue_behind(request)),
            }
        }
        self.batch_of(parts)
    }

    fn next_batch(&mut self) -> BatchId {
        self.batches = match self.shared.drives() {
            true => self.batches + 1,
            false => serve::next_number(self.batches, self.shared.clock.now()),
        };
        BatchId {
            worker: self.shared.worker(),
            number: self.batches,
        }
    }

    fn batch_of(&mut self, requests: Vec<Request>) -> (Batch, Askers) {
        let mut batch = Batch {
            id: Some(self.next_batch()),
            mailbox_max: Some(self.shared.limits.mailbox_max),
            ..Batch::default()
        };
        let mut askers = Askers::default();
        for request in requests {
            match request {
                Request::Start { mut run, reply } => {
                    // The worker may have registered anew since the run was asked for.
                    run.owner = run.owner.map(|_| self.shared.worker());
                    batch.starts.push(run);
                    askers.starts.push(reply);
                }
                Request::Mail { mail, reply } => {
                    batch.mail.push(mail);
                    askers.mail.push(reply);
                }
                Request::Commit { commit, slot } => {
                    batch.commits.push(commit);
                    askers.commits.push(Some(slot));
                }
                Request::LetGo { commit } => {
                    batch.commits.push(commit);
                    askers.commits.push(None);
                }
                // They were taken out before.
                Request::Vanished { .. } | Request::Shutdown => {}
            }
        }
        (batch, askers)
    }
}
