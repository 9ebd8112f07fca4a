//! Waiting for what a run comes to: by being told where there is somebody to tell, and by looking.

use std::time::Duration;

use super::link::Link;
use crate::{
    error::{Error, ErrorKind},
    journal::{RunId, RunKey},
    status::Status,
    store::{RunRecord, Store, StoreFuture},
    worker::{Ending, recorded_ending},
};

/// The first pause between two looks, where nobody tells that there is something to see.
const FIRST_PAUSE: Duration = Duration::from_millis(10);

/// The pauses between looks: what comes soon is seen soon, and what takes long is not looked at often.
struct Pauses {
    next: Duration,
    longest: Duration,
}

impl Pauses {
    fn up_to(longest: Duration) -> Self {
        Self {
            next: FIRST_PAUSE.min(longest),
            longest,
        }
    }

    fn next(&mut self) -> Duration {
        let pause = self.next;
        self.next = (pause * 2).min(self.longest);
        pause
    }
}

impl Link {
    /// Reads until the database answers: who waits outlasts an outage, as runs do. What does not pass by
    /// itself is an error at once, and so is the end of the engine.
    pub(super) async fn patiently<'s, T>(
        &'s self,
        read: impl Fn(&'s dyn Store) -> StoreFuture<'s, T>,
    ) -> Result<T, Error> {
        let shared = &self.shared;
        let mut delay = FIRST_PAUSE;
        loop {
            let answer = tokio::select! {
                answer = read(self.store()) => answer,
                () = shared.stops() => return Err(shared.ended()),
            };
            match answer {
                Ok(answer) => {
                    self.note(None);
                    return Ok(answer);
                }
                Err(error) if !error.is_transient() => return Err(error.into()),
                Err(error) => self.note(Some(&error)),
            }
            tokio::select! {
                () = tokio::time::sleep(delay) => {}
                () = shared.stops() => return Err(shared.ended()),
            }
            delay = (delay * 2).min(Duration::from_secs(1));
        }
    }

    /// Remembers how a read went. An engine knows from its own calls how the database is.
    fn note(&self, error: Option<&crate::store::StoreError>) {
        match error {
            _ if !self.is_alone() => {}
            None => self.shared.note_success(),
            Some(error) => self.shared.note_trouble(error),
        }
    }

    /// The row of a run, if it is the one that is meant. Somebody may have removed it, or a failover of the
    /// database may have forgotten it and given its number to another run.
    async fn row(&self, run: RunKey, id: &RunId) -> Result<RunRecord, Error> {
        let found = self.patiently(|store| store.read(run)).await?;
        found.filter(|record| record.id == *id).ok_or_else(|| {
            let message = format!("there is no run with id `{id}` any more");
            Error::new(ErrorKind::UnknownRun, message)
        })
    }

    /// Waits until a run has this status, or has ended or been parked; gives the status it has.
    pub(super) async fn reaches(
        &self,
        run: RunKey,
        id: &RunId,
        status: Status,
    ) -> Result<Status, Error> {
        let shared = &self.shared;
        let mut batches = shared.batches.subscribe();
        let mut pauses = Pauses::up_to(shared.tuning.poll);
        loop {
            batches.mark_unchanged();
            let now = self.row(run, id).await?.status;
            if now == status || now.is_terminal() || now == Status::Parked {
                return Ok(now);
            }
            tokio::select! {
                changed = batches.changed() => changed.map_err(|_| shared.ended())?,
                // Another process may have changed it.
                () = tokio::time::sleep(pauses.next()) => {}
            }
            if shared.is_stopping() {
                return Err(shared.ended());
            }
        }
    }

    /// Waits until a run has ended or been parked.
    pub(super) async fn ending(&self, run: RunKey, id: &RunId) -> Result<Ending, Error> {
        loop {
            if let Some(ending) = self.next_ending(run, id).await? {
                return Ok(ending);
            }
        }
    }

    /// How the run has ended, or will. `None` when it has left memory otherwise, so that the database has
    /// to be asked again.
    async fn next_ending(&self, run: RunKey, id: &RunId) -> Result<Option<Ending>, Error> {
        let shared = &self.shared;
        if shared.is_stopping() {
            return Err(shared.ended());
        }
        let mut waiting = shared.wait(run, id);
        if !waiting.is_resident {
            // It may have ended already, or be known to the database alone.
            if let Some(ending) = self.recorded(run, id).await? {
                return Ok(Some(ending));
            }
            waiting.run_goes_on();
        }
        let mut parked_were_tried = shared.parked_were_tried.subscribe();
        let mut pauses = Pauses::up_to(shared.poll());
        loop {
            let pause = match shared.store.is_hinted() {
                true => shared.poll(),
                false => pauses.next(),
            };
            tokio::select! {
                ending = &mut waiting.ending => {
                    if ending.is_err() && shared.is_stopping() {
                        return Err(shared.ended());
                    }
                    return Ok(ending.ok());
                }
                // Another process may end it. In this one, the channel above is told.
                () = tokio::time::sleep(pause) => {}
                Ok(()) = parked_were_tried.changed() => {}
            }
            if shared.is_stopping() {
                return Err(shared.ended());
            }
            if !shared.residents.holds(run)
                && let Some(ending) = self.recorded(run, id).await?
            {
                return Ok(Some(ending));
            }
        }
    }

    async fn recorded(&self, run: RunKey, id: &RunId) -> Result<Option<Ending>, Error> {
        // Looked at before the row: a run that is tried between the two is not taken for parked.
        let parked_were_tried = *self.shared.parked_were_tried.borrow();
        let record = self.row(run, id).await?;
        // What an earlier build could not go on with, this one may.
        if record.status == Status::Parked && !parked_were_tried {
            return Ok(None);
        }
        self.patiently(|store| Box::pin(recorded_ending(store, record.clone())))
            .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_a_bound() {
        let mut pauses = Pauses::up_to(Duration::from_millis(50));
        let millis: Vec<_> = (0..5).map(|_| pauses.next().as_millis()).collect();
        assert_eq!(millis, [10, 20, 40, 50, 50]);
        let mut short = Pauses::up_to(Duration::from_millis(3));
        assert_eq!((short.next(), short.next()), (short.longest, short.longest));
    }
}
