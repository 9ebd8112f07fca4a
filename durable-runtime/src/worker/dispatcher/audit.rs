//! What is in memory is compared with what the database says, when there is reason to doubt that they
//! agree: after a call whose outcome is unknown, and when a commit was refused.
//!
//! Losing a commit is not losing a run: a database that was restored or failed over may have forgotten
//! what it had acknowledged, and still name this worker as the owner. What differs leaves memory and is
//! taken up again as the database has it.

use std::{
    collections::BTreeMap,
    sync::{Arc, atomic::Ordering},
};

use super::Dispatcher;
use crate::{
    journal::RunKey,
    observe,
    store::{Owned, StoreError},
    worker::slot::{Input, Slot},
};

impl Dispatcher {
    /// A commit was refused: the run goes on as the database has it, here or elsewhere.
    pub(super) fn lose(&mut self, slot: Option<Arc<Slot>>) {
        if let Some(slot) = slot {
            observe::run::lost(&slot.id);
            self.let_it_go(&slot);
        }
        self.shared.doubt();
        // First, whether this worker still is one.
        self.services.hurry();
        self.look_for_runs();
    }

    fn let_it_go(&self, slot: &Arc<Slot>) {
        self.shared.residents.remove(slot);
        slot.push(Input::Drop);
        // It may be gone from the database, too.
        self.shared.residents.have_asked(slot.run);
    }

    /// Compares memory and database if there is reason to. `false` when the database did not answer.
    pub(super) async fn settle_doubt(&mut self) -> bool {
        if !self.shared.is_in_doubt.swap(false, Ordering::AcqRel) {
            return true;
        }
        let settled = self.compare().await;
        if let Err(error) = &settled {
            self.services.note_awaited();
            self.claim_again(error);
        }
        settled.is_ok()
    }

    /// Drops what the database has otherwise, and gives back what it says is here and is not.
    async fn compare(&mut self) -> Result<(), StoreError> {
        let shared = Arc::clone(&self.shared);
        let worker = shared.worker();
        let Some(owned) = shared.store.owned(worker).await? else {
            return self.give_back_strays().await;
        };
        let owned: BTreeMap<RunKey, Owned> = owned.into_iter().map(|run| (run.run, run)).collect();
        for slot in shared.residents.all() {
            if owned.get(&slot.run).is_some_and(|row| is_same(&slot, row)) {
                // What comes next may have a number below that of mail that is forgotten.
                slot.read_again();
            } else {
                observe::run::forgotten(&slot.id);
                self.let_it_go(&slot);
            }
        }
        let is_here = |run: &RunKey| shared.residents.holds(*run) || self.withheld.holds(*run);
        let strays: Vec<RunKey> = owned.into_keys().filter(|run| !is_here(run)).collect();
        self.withheld.judge(&strays, shared.steady.now());
        if strays.is_empty() {
            return Ok(());
        }
        self.look_for_runs();
        self.give_back_strays().await
    }

    /// Gives back all runs that are not in memory, nor withheld.
    async fn give_back_strays(&self) -> Result<(), StoreError> {
        let mut kept = self.shared.residents.keys();
        kept.extend(self.withheld.keys());
        let worker = self.shared.worker();
        let releasing = self.shared.store.release_strays(worker, &kept);
        releasing.await.map(drop)
    }
}

/// Whether a run in memory is where its row is, as far as can be read. No batch is on its way.
fn is_same(slot: &Slot, row: &Owned) -> bool {
    let is_it = row.created_at.is_none_or(|at| at == slot.created_at);
    let is_as_long = row.events.is_none_or(|events| events == slot.durable());
    is_it && row.epoch == slot.epoch && is_as_long
}
