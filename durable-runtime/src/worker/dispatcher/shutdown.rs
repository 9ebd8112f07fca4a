//! The end: what is in flight is finished within the grace, and all runs are given back.

use std::sync::Arc;

use tokio::sync::oneshot;

use super::{BATCH_MAX, Dispatcher};
use crate::{clock::Rest, journal::Timestamp, observe, worker::slot::Input};

impl Dispatcher {
    pub(super) fn drop_all(&self) {
        for slot in self.shared.residents.all() {
            self.shared.residents.remove(&slot);
            slot.push(Input::Drop);
        }
    }

    /// Lets step bodies and commits in flight finish within the grace, then gives everything back.
    pub(super) async fn shut_down(mut self, reply: oneshot::Sender<()>) {
        self.shared.stop();
        self.tell_all();
        let deadline = self
            .shared
            .clock
            .now()
            .after(self.shared.tuning.shutdown_grace);
        self.wind_down(deadline).await;
        self.drop_all();
        let result = async {
            self.shared
                .store
                .retire_worker(self.shared.worker())
                .await?;
            self.shared.store.close().await
        };
        match result.await {
            Ok(()) => observe::worker::stopped(self.shared.worker()),
            // The lease runs out by itself.
            Err(error) => observe::worker::not_signed_off(self.shared.worker(), &error),
        }
        self.shared.residents.tell_shut_down();
        let _ = reply.send(());
    }

    /// Gives back the runs at rest, so that others go on with them while the slow steps end.
    async fn give_back_resting(&self) {
        let all = self.shared.residents.all();
        let resting: Vec<_> = all.iter().filter(|slot| !slot.is_busy()).collect();
        if resting.is_empty() {
            return;
        }
        for slot in resting {
            self.shared.residents.remove(slot);
            slot.push(Input::Drop);
        }
        let busy = self.shared.residents.keys();
        let releasing = self
            .shared
            .store
            .release_strays(self.shared.worker(), &busy);
        if let Err(error) = releasing.await {
            // They are given back with the rest.
            self.shared.note_trouble(&error);
        }
    }

    /// Writes what comes until no run is busy. The lease is kept: a slow step must not be taken over.
    pub(super) async fn wind_down(&mut self, deadline: Timestamp) {
        let shared = Arc::clone(&self.shared);
        let mut requests = Vec::new();
        while shared.residents.any_busy() {
            shared.pace.stir();
            self.give_back_resting().await;
            let now = shared.clock.now();
            if now >= deadline {
                return;
            }
            if now >= self.next_heartbeat {
                self.heartbeat(now).await;
            }
            let wakes = deadline.min(self.next_heartbeat);
            if let Some(at_work) = self.rests_at_work() {
                shared.pace.rest(Rest {
                    due: Some(deadline),
                    wakes,
                    at_work,
                    awaited: true,
                });
            }
            tokio::select! {
                biased;
                _ = self.requests.recv_many(&mut requests, BATCH_MAX) => {
                    self.write(&mut requests).await;
                }
                () = shared.pace.stirred.notified() => {}
                () = shared.clock.sleep_until(wakes) => {}
            }
        }
    }
}
