//! Parked runs are tried again: this build may fit them, or mend what stopped them.

use super::{Next, Service, Serving};
use crate::worker::dispatcher::{Dispatcher, persist::keeping_the_lease};

/// Claims parked runs that this worker has not tried.
pub(super) struct Parked;

impl Service for Parked {
    fn serve<'a>(&'a mut self, worker: &'a mut Dispatcher) -> Serving<'a> {
        Box::pin(async { Ok(worker.claim_parked().await) })
    }
}

impl Dispatcher {
    async fn claim_parked(&mut self) -> Next {
        let Some(claim) = self.next_claim_of(self.shared.clock.now()).await else {
            return Next::WithTheLease;
        };
        let (limit, start) = (claim.limit, self.shared.steady.now());
        match keeping_the_lease(&self.shared, self.shared.store.claim_parked(claim)).await {
            Ok(runs) => {
                self.shared.note_success();
                self.note_claim(runs.len(), start);
                // Fewer than were asked for when they are large.
                if !runs.is_empty() {
                    runs.into_iter().for_each(|run| self.take_claimed(run));
                    return Next::AtOnce;
                }
                let tried = &self.shared.parked_were_tried;
                tried.send_if_modified(|tried| !std::mem::replace(tried, true));
                Next::WithTheLease
            }
            Err(error) => {
                self.shared.note_trouble(&error);
                self.services.note_awaited();
                match self.note_failed_claim(limit, start, &error) {
                    true => Next::AtOnce,
                    false => Next::WithTheLease,
                }
            }
        }
    }
}
