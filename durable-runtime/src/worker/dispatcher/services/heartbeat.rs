//! The lease is kept, and when it was lost, the worker starts over.

use super::{Next, Service, Serving};
use crate::{
    observe,
    store::{NewWorker, StoreError},
    worker::{Shared, dispatcher::Dispatcher, slot::Input},
};

/// Renews the lease, and looks for mail that no hint told of.
pub(super) struct Heartbeat;

impl Service for Heartbeat {
    fn serve<'a>(&'a mut self, worker: &'a mut Dispatcher) -> Serving<'a> {
        Box::pin(async {
            if !renew(&worker.shared).await? {
                worker.start_over().await?;
            }
            worker.shared.note_success();
            worker.fetch_unread().await;
            Ok(Next::WithTheLease)
        })
    }

    /// A slow step must not be taken over.
    fn outlasts_a_shutdown(&self) -> bool {
        true
    }
}

/// Renews the lease, and has every run look at what the worker may do if it had ended meanwhile: runs
/// were held back. `false` when the worker is not registered any more.
pub(in crate::worker::dispatcher) async fn renew(shared: &Shared) -> Result<bool, StoreError> {
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
pub(in crate::worker::dispatcher) fn tell_all(shared: &Shared) {
    for slot in shared.residents.all() {
        slot.push(Input::Look);
    }
}

impl Dispatcher {
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
        self.look_for_runs();
        Ok(())
    }
}
