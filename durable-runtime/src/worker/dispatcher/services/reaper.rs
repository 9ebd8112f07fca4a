//! The runs of workers that are gone are given to others.

use super::{Next, Service, Serving};
use crate::{
    observe,
    store::StoreError,
    worker::{
        Shared,
        dispatcher::Dispatcher,
        watch::{Look, Watch},
    },
};

/// Frees the runs of workers whose lease has ended, whatever the clock says.
#[derive(Debug, Default)]
pub(super) struct Reaper {
    watch: Watch,
}

impl Service for Reaper {
    fn serve<'a>(&'a mut self, worker: &'a mut Dispatcher) -> Serving<'a> {
        Box::pin(async {
            let shared = &worker.shared;
            let may_reap = shared.lease.may_reap(shared.steady.now());
            self.watch_leases(shared, may_reap).await?;
            if may_reap {
                worker.reap().await?;
            }
            Ok(Next::WithTheLease)
        })
    }

    /// Whoever waits for a run of one that died is not kept waiting by a slow step here.
    fn outlasts_a_shutdown(&self) -> bool {
        true
    }
}

impl Reaper {
    /// Looks at the leases, and ends those that nobody renews.
    async fn watch_leases(&mut self, shared: &Shared, may_end: bool) -> Result<(), StoreError> {
        let look = Look {
            steady: shared.steady.now(),
            clock: shared.clock.now(),
        };
        let leases = shared.store.leases().await?;
        self.watch.look(&leases, look, shared.tuning.lease);
        let ended = self.watch.ended(look.steady);
        if may_end && !ended.is_empty() {
            shared.store.end_leases(&ended).await?;
        }
        Ok(())
    }
}

impl Dispatcher {
    /// Frees the runs of workers whose lease has ended by the clock.
    pub(in crate::worker::dispatcher) async fn reap(&mut self) -> Result<(), StoreError> {
        let now = self.shared.clock.now();
        let freed = self.shared.store.reap(now).await?;
        observe::worker::freed(freed);
        if freed > 0 {
            self.look_for_runs();
        }
        self.reaped = now;
        Ok(())
    }
}
