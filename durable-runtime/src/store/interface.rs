//! The trait every database implements.

use std::{fmt, future::Future, pin::Pin, sync::Arc};

use tokio::runtime::Handle;

use super::{
    Batch, BatchId, BatchOutcome, Children, Claim, Claimed, Hint, LoadedRun, Mail, NewWorker,
    Owned, RunPage, RunQuery, RunRecord, StoreError, StoreErrorKind,
};
use crate::{
    clock::Clock,
    journal::{Event, MailId, Payload, RunId, RunKey, Timestamp, WorkerId},
};

/// What a store method returns.
pub type StoreFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'a>>;

/// A database of runs, journals and mail.
///
/// Rules that every implementation keeps, and that `testing::conformance` checks:
///
/// - [`commit`](Self::commit) is one transaction, durable when it returns.
/// - A commit is fenced: nothing of it is written unless the run's epoch is the commit's and a worker
///   owns the run (the one that sends it, if the batch has a [`BatchId`](super::BatchId)), nor when its first event would not be the next of the journal; one without events is
///   not written either when the journal is shorter than it says. A commit whose
///   events are already there under the same epoch succeeds again.
/// - A batch that is sent again under its [`BatchId`](super::BatchId), because its outcome is unknown,
///   has the effect of one: nothing in it is written twice, and its outcomes say where everything is.
///   The mail of a batch whose number is not above that of a later one is never written any more.
/// - What one run has cannot keep others from theirs: a row that cannot be read parks its run at a
///   claim, and is told for itself by [`mailboxes`](Self::mailboxes); a claim takes fewer runs when their
///   journals are large.
/// - Mail makes a run that nobody owns due at once, unless it is paused; a parked run is made due
///   only by a cancellation. A run that is being rolled back takes no signal and no
///   [`Cancel`](super::MailKind::Cancel), also when it was parked in the middle of that: when its journal has a
///   [`CancelRequested`](crate::journal::EventKind::CancelRequested) or a
///   [`RollbackStarted`](crate::journal::EventKind::RollbackStarted).
/// - A run counts the workers that died with it ([`LoadedRun::deaths`]): those that [`reap`](Self::reap)
///   finds, not those that retire. From its third death on a run is a suspect.
///   [`claim`](Self::claim) hands a worker one suspect at a time, on trial: for ten seconds, or until
///   its journal grows, or until the worker lets go of it. When the worker dies meanwhile, the run on
///   trial alone counts it.
/// - A worker takes the runs of the workflows it can drive ([`NewWorker::workflows`]), and, so that they
///   are not forgotten, those of workflows that no registered worker can drive.
/// - Times are given by the caller; a store never reads a clock.
/// - A call whose future is dropped either happens as a whole or not at all, and leaves the store
///   usable.
pub trait Store: Send + Sync + fmt::Debug + 'static {
    /// Writes a batch in one transaction.
    fn commit<'a>(&'a self, batch: &'a Batch) -> StoreFuture<'a, BatchOutcome>;

    /// Decides what became of the mail of a batch whose outcome is unknown: `true` when it was written;
    /// `false` when it was not, and then it never will be, though the batch still be on its way. Called when the
    /// last call to [`commit`](Self::commit) has [timed out](StoreError::timed_out), or has failed after one
    /// that may have been written. A store whose calls never write what they do not acknowledge need not
    /// implement it: a sender is then told that nobody knows.
    fn settle(&self, batch: BatchId) -> StoreFuture<'_, bool> {
        Box::pin(async move {
            let message = format!(
                "what became of batch {} of worker {} is unknown: this store cannot say",
                batch.number,
                batch.worker.get()
            );
            Err(StoreError::new(StoreErrorKind::Unsupported, message))
        })
    }

    /// Takes runs that are due and that nobody owns: sets the owner, bumps the epoch, sets `pending`
    /// and `parked` runs to `running` (any other status stays), and loads journal and mailbox. When loading
    /// fails, the runs are taken all the same: so [`owned`](Self::owned) tells whom it failed for. A claim of
    /// one run takes it without reading anything that belongs to it; a run that cannot be taken even so is
    /// [named](StoreError::about).
    fn claim(&self, claim: Claim) -> StoreFuture<'_, Claimed>;

    /// Takes and loads one run for which a claim failed, as [`claim`](Self::claim) does: if the worker owns it
    /// already, or nobody does and it is due or parked. `None` if not, and from a store that does not implement
    /// it: then the run is given back and claimed with others.
    fn claim_run(
        &self,
        worker: WorkerId,
        now: Timestamp,
        run: RunKey,
    ) -> StoreFuture<'_, Option<LoadedRun>> {
        let _ = (worker, now, run);
        Box::pin(async { Ok(None) })
    }

    /// Registers a worker. Its number is above zero and never used again.
    fn register_worker(&self, worker: NewWorker) -> StoreFuture<'_, WorkerId>;

    /// Extends a worker's lease. `false` when the worker is gone: it was reaped and owns nothing.
    fn renew_lease(&self, worker: WorkerId, lease_until: Timestamp) -> StoreFuture<'_, bool>;

    /// Makes every run due at once that the worker owns and that is not among `residents`. Called when
    /// the reply to a claim was lost: what it took is in no worker's memory. Returns how many there
    /// were.
    fn release_strays<'a>(
        &'a self,
        worker: WorkerId,
        residents: &'a [RunKey],
    ) -> StoreFuture<'a, u64>;

    /// Removes a worker and makes every run it owns due at once. Returns how many there were.
    fn retire_worker(&self, worker: WorkerId) -> StoreFuture<'_, u64>;

    /// Until when the leases of the registered workers last. A worker looks at them from time to time, and
    /// [ends](Self::end_leases) those that were not renewed in their time, which the clock may not show: it may
    /// have been set back. Of a store that does not implement it no lease ends before the clock says so.
    fn leases(&self) -> StoreFuture<'_, Vec<(WorkerId, Timestamp)>> {
        Box::pin(async { Ok(Vec::new()) })
    }

    /// Has leases end at once that still last until when it is said.
    fn end_leases<'a>(&'a self, leases: &'a [(WorkerId, Timestamp)]) -> StoreFuture<'a, ()> {
        let _ = leases;
        Box::pin(async { Ok(()) })
    }

    /// Retires every worker whose lease ended before `now`. Returns how many runs came free.
    fn reap(&self, now: Timestamp) -> StoreFuture<'_, u64>;

    /// Takes parked runs of the workflows that this worker can drive and that it has not parked itself,
    /// so that every build that may fit tries each of them once: like [`claim`](Self::claim), whatever
    /// their due time.
    fn claim_parked(&self, claim: Claim) -> StoreFuture<'_, Vec<LoadedRun>>;

    /// The run with this id.
    fn find<'a>(&'a self, id: &'a RunId) -> StoreFuture<'a, Option<RunRecord>>;

    /// The run with this number.
    fn read(&self, run: RunKey) -> StoreFuture<'_, Option<RunRecord>>;

    /// Where the runs stand that a worker owns. A worker asks when it has reason to doubt that the
    /// database says what it remembers, and goes by the answer. `None`, which is what a store says that
    /// does not implement it: it is never asked to forget anything, so there is nothing to compare.
    fn owned(&self, worker: WorkerId) -> StoreFuture<'_, Option<Vec<Owned>>> {
        let _ = worker;
        Box::pin(async { Ok(None) })
    }

    /// The runs a worker owns that have mail in their mailbox. A worker asks from time to time, for what
    /// other processes have sent to runs that are in its memory. Where only one process can use the
    /// database there is none; that is what it says unless implemented.
    fn unread(&self, worker: WorkerId) -> StoreFuture<'_, Vec<RunKey>> {
        let _ = worker;
        Box::pin(async { Ok(Vec::new()) })
    }

    /// What is in a run's mailbox, in order of arrival.
    fn mailbox(&self, run: RunKey) -> StoreFuture<'_, Vec<Mail>>;

    /// What is in the mailboxes of several runs, of each above the mail with this number: with the run, in
    /// the order of the runs and of arrival, and of all together only so much at first. Mail that
    /// cannot be read is told as an error in its place.
    fn mailboxes<'a>(
        &'a self,
        runs: &'a [(RunKey, MailId)],
        limit: usize,
    ) -> StoreFuture<'a, Vec<(RunKey, Result<Mail, StoreError>)>> {
        Box::pin(async move {
            let mut found = Vec::new();
            for (run, after) in runs {
                match self.mailbox(*run).await {
                    Ok(mail) => {
                        let new = mail.into_iter().filter(|mail| mail.id > *after);
                        found.extend(new.map(|mail| (*run, Ok(mail))));
                    }
                    Err(error) if error.is_for_good() => found.push((*run, Err(error))),
                    Err(error) => return Err(error),
                }
                if found.len() >= limit {
                    break;
                }
            }
            found.truncate(limit);
            Ok(found)
        })
    }

    /// A run's whole journal.
    fn history(&self, run: RunKey) -> StoreFuture<'_, Vec<Event>>;

    /// The runs that a run has started, oldest first.
    fn children(&self, run: RunKey) -> StoreFuture<'_, Vec<RunRecord>>;

    /// Some of the runs that a run has started: so many at the most, after the one with this number,
    /// oldest first.
    fn some_children(&self, run: RunKey, after: RunKey, limit: usize) -> StoreFuture<'_, Children> {
        Box::pin(async move {
            let mut runs = self.children(run).await?;
            runs.retain(|child| child.run > after);
            let more = runs.len().saturating_sub(limit) as u64;
            runs.truncate(limit);
            for run in &mut runs {
                run.input = Payload::from_bytes([]);
            }
            Ok(Children { runs, more })
        })
    }

    /// A page of runs, newest first.
    fn list<'a>(&'a self, query: &'a RunQuery) -> StoreFuture<'a, RunPage>;

    /// The clock that all who share this database go by; `None` when it is the machine's.
    fn clock(&self) -> Option<Arc<dyn Clock>> {
        None
    }

    /// Waits for the next hint of another process; forever where there are none. Nothing may rest on
    /// hints. Cancel safe.
    fn hint(&self) -> Pin<Box<dyn Future<Output = Hint> + Send + '_>> {
        Box::pin(std::future::pending())
    }

    /// Whether hints come at this moment, so that looking for work can be left to them mostly.
    fn is_hinted(&self) -> bool {
        false
    }

    /// The runtime that the store's calls are made on, if it has one of its own and never blocks it. The
    /// worker then works there too, so that a call need not change threads.
    fn runtime(&self) -> Option<Handle> {
        None
    }

    /// Finishes what is in flight and lets go of the database.
    fn close(&self) -> StoreFuture<'_, ()>;
}
