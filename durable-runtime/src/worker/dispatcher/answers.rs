//! What was written is told to everybody whom it concerns, and mail reaches its run.

use std::sync::Arc;

use super::{Dispatcher, StartReply, Written, persist};
use crate::{
    journal::{MailId, Timestamp},
    store::{
        Commit, CommitOutcome, Delivery, Hint, Mail, MailKind, MailOutcome, Ownership, RunUpdate,
        StartOutcome,
    },
    worker::{
        ending::{self, ending_of},
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
            let _ = reply.send(StartReply { outcome });
        }
        let mail = batch.mail.into_iter().zip(askers.mail).zip(outcome.mail);
        for ((mail, reply), outcome) in mail {
            if let MailOutcome::Delivered(delivery) = outcome {
                self.route(delivery, mail.kind).await;
            }
            let _ = reply.send(outcome);
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
            self.next_claim = Timestamp::MIN;
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
        if let Some(slot) = slot {
            if released {
                self.shared.residents.remove(&slot);
            }
            slot.note_durable(commit.events.len());
            slot.push(Input::Committed {
                events: commit.events.len(),
            });
        }
        if released {
            self.note_room(&commit);
            if let Some(ending) = ending_of(&commit) {
                self.shared.residents.tell(commit.run, &ending);
            }
        }
        for (child, outcome) in commit.children.into_iter().zip(children) {
            if let StartOutcome::Created { run } = outcome {
                self.take_started(run, child);
            }
        }
        for (mail, delivery) in commit.outgoing.into_iter().zip(outgoing) {
            if let Some(delivery) = delivery {
                self.route(delivery, mail.kind).await;
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
            self.next_claim = Timestamp::MIN;
        }
    }

    /// Hands mail to the run's task, or has the run claimed. A signal is read back with what is before
    /// it in the mailbox when others may have written there: signals keep their order.
    pub(super) async fn route(&mut self, delivery: Delivery, kind: MailKind) {
        self.note_mail(delivery.mail);
        if !delivery.owned {
            self.next_claim = Timestamp::MIN;
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
            _ => self.fetch_mail(&slot).await,
        }
    }

    /// Notices whether somebody else has written mail since the last that was written here.
    pub(super) fn note_mail(&mut self, mail: Option<MailId>) {
        if let Some(mail) = mail {
            if mail.get() != self.last_mail.get() + 1 {
                self.last_gap = mail;
            }
            self.last_mail = mail;
        }
    }

    /// Looks at what another process says it has written. It is needed for speed alone: all of it is
    /// also found by looking from time to time.
    pub(super) async fn heed(&mut self, hint: Hint) {
        if hint.due || hint.missed {
            self.next_claim = Timestamp::MIN;
        }
        if hint.missed {
            // The database may be another one, which knows less.
            self.shared.doubt();
        }
        for run in hint.mail {
            if let Some(slot) = self.shared.residents.find(run) {
                self.fetch_mail(&slot).await;
            }
        }
        if hint.missed {
            self.fetch_unread().await;
        }
        let residents = &self.shared.residents;
        let mut ended = hint.ended;
        ended.retain(|run| residents.is_awaited(*run));
        if hint.missed {
            ended = residents.awaited_elsewhere();
        }
        if !ended.is_empty() {
            ending::tell_recorded(Arc::clone(&self.shared), ended);
        }
    }

    /// Hands tasks the mail that other processes have sent to their runs.
    pub(super) async fn fetch_unread(&self) {
        if self.shared.residents.len() == 0 {
            return;
        }
        let unread = self.shared.store.unread(self.shared.worker()).await;
        match unread {
            Ok(runs) => {
                for run in runs {
                    if let Some(slot) = self.shared.residents.find(run) {
                        self.fetch_mail(&slot).await;
                    }
                }
            }
            Err(error) => self.shared.note_trouble(&error),
        }
    }

    /// Hands the run's task whatever is in its mailbox; it knows what it has seen.
    pub(super) async fn fetch_mail(&self, slot: &Arc<Slot>) {
        let mail = persist(&self.shared, |store| store.mailbox(slot.run)).await;
        slot.note_read(self.last_mail);
        for mail in mail {
            slot.push(Input::Mail(mail));
        }
    }
}
