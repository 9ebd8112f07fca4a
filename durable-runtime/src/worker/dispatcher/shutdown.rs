//! The end: what is in flight is finished within the grace, and the runs at rest are given back.

use std::sync::Arc;

use tokio::task::yield_now;

use super::{BATCH_MAX, Dispatcher, services::tell_all};
use crate::{clock::Rest, worker::slot::Input};

impl Dispatcher {
    /// Gives back the runs at rest, so that others go on with them while the slow steps end.
    async fn give_back_resting(&self) {
        let resting = self.shared.residents.take_resting();
        if resting.is_empty() {
            return;
        }
        for slot in resting {
            slot.push(Input::Drop);
        }
        let busy = self.shared.residents.keys();
        let worker = self.shared.worker();
        match self.shared.store.release_strays(worker, &busy).await {
            Ok(_) => self.shared.residents.were_given_back(),
            // They are given back with the rest.
            Err(error) => self.shared.note_trouble(&error),
        }
    }

    /// Lets step bodies and commits in flight finish within the grace: writes what comes until no run is
    /// busy. The lease is kept: a slow step must not be taken over.
    pub(super) async fn wind_down(mut self) {
        let shared = Arc::clone(&self.shared);
        let deadline = shared.stops_by();
        tell_all(&shared);
        while shared.residents.any_busy() || !self.backlog.is_empty() {
            shared.pace.stir();
            self.give_back_resting().await;
            let now = shared.steady.now();
            if now >= deadline {
                return;
            }
            self.serve_to_the_end().await;
            let wakes = deadline.min(self.services.next_to_the_end());
            if let Some(at_work) = self.rests_at_work() {
                shared.pace.rest(Rest {
                    due: Some(shared.wall(deadline)),
                    wakes: shared.wall(wakes),
                    at_work,
                    awaited: true,
                    reaped: self.reaped,
                });
            }
            let left = wakes.saturating_sub(shared.steady.now());
            let is_busy = !self.backlog.is_empty() || !self.unread.is_empty();
            tokio::select! {
                biased;
                _ = self.requests.recv_many(&mut self.backlog, BATCH_MAX) => {}
                () = shared.pace.stirred.notified() => {}
                () = shared.steady.sleep(left) => {}
                () = yield_now(), if is_busy => {}
            }
            self.write().await;
            self.read_mail().await;
            self.try_aside().await;
        }
    }
}
