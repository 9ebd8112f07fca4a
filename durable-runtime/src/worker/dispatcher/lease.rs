//! The lease is kept, and when it was lost, the worker starts over.

use super::Dispatcher;
use crate::{
    journal::Timestamp,
    observe,
    store::{NewWorker, StoreError},
    worker::{Shared, slot::Input, watch::Look},
};

/// Renews the lease, and has every run look at what the worker may do if it had ended meanwhile: runs
/// were held back. `false` when the worker is not registered any more.
pub(super) async fn renew(shared: &Shared) -> Result<bool, StoreError> {
    let until = shared.clock.now().after(shared.tuning.lease);
    let asked = shared.steady.now();
    match shared.store.renew_lease(shared.worker(), until).await {
        Ok(true) => {
            if shared.lease.renewed(asked, shared.steady.now()) {
                observe::worker::lease_had_ended(shared.worker());
                tell_all(shared);
            }
            Ok(true)
        }
        Ok(false) => {
            shared.lease.lose();
            Ok(false)
        }
        Err(error) => {
            shared.lease.was_not_renewed(shared.steady.now());
            Err(error)
        }
    }
}

/// Has every run look at what the worker may do.
pub(super) fn tell_all(shared: &Shared) {
    for slot in shared.residents.all() {
        slot.push(Input::Look);
    }
}

impl Dispatcher {
    /// Renews the lease and frees the runs of workers whose lease has ended.
    pub(super) async fn heartbeat(&mut self) {
        self.try_parked = true;
        self.heartbeat_is_needed = false;
        match self.renew().await {
            Ok(()) => {
                self.next_heartbeat = self.shared.lease.renew_at();
                self.shared.note_success();
                self.fetch_unread().await;
            }
            Err(error) => {
                self.heartbeat_is_needed = true;
                self.next_heartbeat = self.shared.lease.renew_at();
                self.shared.note_trouble(&error);
            }
        }
    }

    async fn renew(&mut self) -> Result<(), StoreError> {
        if !renew(&self.shared).await? {
            return self.start_over().await;
        }
        let may_reap = self.shared.lease.may_reap(self.shared.steady.now());
        self.watch_leases(may_reap).await?;
        if may_reap {
            self.reap().await?;
        }
        Ok(())
    }

    /// Looks at the leases, and ends those that nobody renews, whatever the clock says.
    async fn watch_leases(&mut self, may_end: bool) -> Result<(), StoreError> {
        let look = Look {
            steady: self.shared.steady.now(),
            clock: self.shared.clock.now(),
        };
        let leases = self.shared.store.leases().await?;
        self.watch.look(&leases, look, self.shared.tuning.lease);
        let ended = self.watch.ended(look.steady);
        if may_end && !ended.is_empty() {
            self.shared.store.end_leases(&ended).await?;
        }
        Ok(())
    }

    /// Frees the runs of workers whose lease has ended.
    pub(super) async fn reap(&mut self) -> Result<(), StoreError> {
        let now = self.shared.clock.now();
        let freed = self.shared.store.reap(now).await?;
        observe::worker::freed(freed);
        if freed > 0 {
            self.next_claim = Timestamp::MIN;
        }
        self.reaped = now;
        Ok(())
    }

    /// The lease was lost: what is in memory belongs to others now.
    async fn start_over(&mut self) -> Result<(), StoreError> {
        let before = self.shared.worker();
        observe::worker::lease_lost(before);
        self.shared.drop_all();
        // A database that forgot the worker may still name it as the owner of runs.
        self.shared.store.retire_worker(before).await?;
        let worker = NewWorker {
            lease_until: self.shared.clock.now().after(self.shared.tuning.lease),
            workflows: Some(self.shared.registry.all_names()),
        };
        let asked = self.shared.steady.now();
        let worker = self.shared.store.register_worker(worker).await?;
        self.shared.set_worker(worker);
        self.shared.lease.begin(asked);
        self.next_claim = Timestamp::MIN;
        Ok(())
    }
}
