//! The lease is kept, and when it was lost, the worker starts over.

use super::Dispatcher;
use crate::{
    journal::Timestamp,
    observe,
    store::{NewWorker, StoreError},
    worker::slot::Input,
};

impl Dispatcher {
    /// Renews the lease and frees the runs of workers whose lease has ended.
    pub(super) async fn heartbeat(&mut self, now: Timestamp) {
        self.try_parked = true;
        self.heartbeat_is_needed = false;
        self.next_heartbeat = now.after(self.shared.tuning.lease / 3);
        match self.renew(now).await {
            Ok(()) => {
                self.shared.note_success();
                self.fetch_unread().await;
            }
            Err(error) => {
                self.heartbeat_is_needed = true;
                // Others could not renew either: nobody is reaped before they had the time to.
                self.next_reap = now.after(self.shared.tuning.lease);
                self.shared.note_trouble(&error);
            }
        }
    }

    pub(super) async fn renew(&mut self, now: Timestamp) -> Result<(), StoreError> {
        let until = now.after(self.shared.tuning.lease);
        let had_ended = self.shared.lease_has_ended(now);
        let worker = self.shared.worker();
        if !self.shared.store.renew_lease(worker, until).await? {
            return self.start_over(until).await;
        }
        self.shared.set_lease(until);
        if had_ended {
            self.next_reap = until;
            self.tell_all();
        }
        if now >= self.next_reap {
            let freed = self.shared.store.reap(now).await?;
            observe::worker::freed(freed);
            if freed > 0 {
                self.next_claim = Timestamp::MIN;
            }
        }
        Ok(())
    }

    /// Has every run look at what the worker may do.
    pub(super) fn tell_all(&self) {
        for slot in self.shared.residents.all() {
            slot.push(Input::Look);
        }
    }

    /// The lease was lost: what is in memory belongs to others now.
    pub(super) async fn start_over(&mut self, lease_until: Timestamp) -> Result<(), StoreError> {
        observe::worker::lease_lost(self.shared.worker());
        self.drop_all();
        let worker = NewWorker {
            lease_until,
            workflows: Some(self.shared.registry.all_names()),
        };
        let worker = self.shared.store.register_worker(worker).await?;
        self.shared.set_worker(worker);
        self.shared.set_lease(lease_until);
        self.next_claim = Timestamp::MIN;
        Ok(())
    }
}
