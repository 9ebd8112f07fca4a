//! What was written is told to everybody whom it concerns, and mail reaches its run.

use std::sync::Arc;

use super::{Dispatcher, StartReply, Written};
use crate::{
    journal::Timestamp,
    store::{
        Commit, CommitOutcome, Delivery, Mail, MailKind, MailOutcome, Ownership, RunUpdate,
        StartOutcome,
    },
    worker::{
        ending::ending_of,
        slot::{Input, Slot},
    },
};

impl Dispatcher {
    /// Tells everybody what became of what they asked.
    pub(super) async fn spread(&mut self, written: Written) {
        let Written {
            batch,
            askers,
            outcome,
            ..
        } = written;
        self.shared.batches.send_modify(|batches| *batches += 1);
        let starts = batch
            .starts
            .into_iter()
            .zip(askers.starts)
            .zip(outcome.starts);
        for ((run, reply), outcome) in starts {
            if let StartOutcome::Created { run: key } = outcome {
                self.take_started(key, run);
            }
            let outcome = Ok(outcome);
            let _ = reply.send(StartReply { outcome });
        }
        let mail = batch.mail.into_iter().zip(askers.mail).zip(outcome.mail);
        for ((mail, reply), outcome) in mail {
            if let MailOutcome::Delivered(delivery) = outcome {
                self.route(delivery, mail.kind);
            }
            let _ = reply.send(Ok(outcome));
        }
        let commits = batch
            .commits
            .into_iter()
            .zip(askers.commits)
            .zip(outcome.commits);
        for ((commit, slot), outcome) in commits {
            self.acknowledge(commit, slot, outcome).await;
        }
    }

    pub(super) async fn acknowledge(
        &mut self,
        commit: Commit,
        slot: Option<Arc<Slot>>,
        outcome: CommitOutcome,
    ) {
        let CommitOutcome::Committed { children, outgoing } = outcome else {
            return self.lose(slot);
        };
        let trial_is_over = self.on_trial.take_if(|run| *run == commit.run);
        if trial_is_over.is_some() {
            self.look_for_runs();
        }
        let released = match &commit.update {
            Some(RunUpdate {
                ownership: Ownership::Release { due, .. },
                ..
            }) => {
                self.note_release(*due);
                true
            }
            _ => false,
        };
        if let Some(slot) = &slot {
            if released {
                self.shared.residents.remove(slot);
            }
            slot.note_durable(commit.events.len());
            slot.push(Input::Committed {
                events: commit.events.len(),
            });
        }
        if released {
            self.note_room(&commit);
            let residents = &self.shared.residents;
            match (ending_of(&commit), &slot) {
                (Some(ending), Some(slot)) => residents.tell(commit.run, &slot.id, &ending),
                (Some(_), None) => residents.have_asked(commit.run),
                (None, _) => {}
            }
        }
        for (child, outcome) in commit.children.into_iter().zip(children) {
            if let StartOutcome::Created { run } = outcome {
                self.take_started(run, child);
            }
        }
        for (mail, delivery) in commit.outgoing.into_iter().zip(outgoing) {
            if let Some(delivery) = delivery {
                self.route(delivery, mail.kind);
            }
        }
    }

    pub(super) fn note_release(&mut self, due: Option<Timestamp>) {
        if let Some(due) = due {
            self.next_claim = self.next_claim.min(due);
        }
    }

    /// A run has left memory: others may take its place, and mail it has not seen makes it due.
    pub(super) fn note_room(&mut self, commit: &Commit) {
        let ended = commit
            .update
            .as_ref()
            .is_some_and(|u| u.status.is_terminal());
        if !ended || std::mem::take(&mut self.short_of_room) {
            self.look_for_runs();
        }
    }

    /// Hands mail to the run's task, or has the run claimed. A signal is read back with what is before
    /// it in the mailbox when others may have written there: signals keep their order.
    pub(super) fn route(&mut self, delivery: Delivery, kind: MailKind) {
        self.note_mail(delivery.mail);
        if !delivery.owned {
            self.look_for_runs();
            return;
        }
        let Some(slot) = self.shared.residents.find(delivery.run) else {
            return;
        };
        match delivery.mail {
            Some(id)
                if slot.has_read(self.last_gap) || !matches!(kind, MailKind::Signal { .. }) =>
            {
                slot.push(Input::Mail(Mail { id, kind }));
            }
            _ => self.unread.add(slot.run),
        }
    }
}
