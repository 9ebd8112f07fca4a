//! Writing a batch.

use std::collections::BTreeMap;

use super::state::{Run, State};
use crate::{
    journal::{Epoch, MailId, RunKey, Timestamp},
    status::Status,
    store::{
        Batch, BatchOutcome, Commit, CommitOutcome, Delivery, MailKind, MailOutcome, MailTarget,
        NewMail, NewRun, Ownership, RunUpdate, StartOutcome, rules,
    },
};

/// How a commit stands to what is there.
enum Standing {
    Fresh,
    Repeated,
    Lost,
}

impl State {
    pub(super) fn commit(&mut self, batch: &Batch) -> BatchOutcome {
        BatchOutcome {
            starts: batch.starts.iter().map(|run| self.start(run)).collect(),
            mail: batch.mail.iter().map(|mail| self.deliver(mail)).collect(),
            commits: batch.commits.iter().map(|c| self.progress(c)).collect(),
        }
    }

    fn start(&mut self, new: &NewRun) -> StartOutcome {
        let key = RunKey::new(self.runs.len() as i64 + 1);
        if let Some(key) = self.ids.get(&new.id) {
            return self.existing(*key);
        }
        self.ids.insert(new.id.clone(), key);
        let (status, epoch) = match new.owner {
            Some(_) => (Status::Running, 1),
            None => (Status::Pending, 0),
        };
        if let Some(parent) = &new.parent {
            self.children.entry(parent.run).or_default().push(key);
        }
        let run = Run {
            id: new.id.clone(),
            workflow: new.workflow.clone(),
            status,
            epoch: Epoch::new(epoch),
            owner: new.owner,
            due: None,
            parent: new.parent.clone(),
            seed: new.seed,
            input: new.input.clone(),
            reason: None,
            created_at: new.at,
            updated_at: new.at,
            events: Vec::new(),
            mail: BTreeMap::new(),
        };
        self.runs.insert(key, run);
        if new.owner.is_none() {
            self.set_due(key, Some(Timestamp::MIN));
        }
        StartOutcome::Created { run: key }
    }

    fn existing(&self, key: RunKey) -> StartOutcome {
        let run = &self.runs[&key];
        StartOutcome::Exists {
            run: key,
            workflow: run.workflow.clone(),
            input: run.input.clone(),
            parent: run.parent.as_ref().map(|parent| parent.run),
        }
    }

    fn target(&self, to: &MailTarget) -> Option<RunKey> {
        match to {
            MailTarget::Key(key) => Some(*key).filter(|key| self.runs.contains_key(key)),
            MailTarget::Id(id) => self.ids.get(id).copied(),
        }
    }

    fn deliver(&mut self, new: &NewMail) -> MailOutcome {
        let Some(key) = self.target(&new.to) else {
            return MailOutcome::UnknownRun;
        };
        let status = self.runs[&key].status;
        if status.is_terminal() {
            return MailOutcome::Ended(status);
        }
        if let Some(there) = self.delivered(key, &new.kind) {
            return MailOutcome::Delivered(there);
        }
        self.last_mail += 1;
        let mail = MailId::new(self.last_mail);
        let mut owned = false;
        if let Some(run) = self.runs.get_mut(&key) {
            run.mail.insert(mail, new.kind.clone());
            owned = run.owner.is_some();
        }
        if !owned && rules::mail_wakes(status, &new.kind) {
            self.set_due(key, Some(Timestamp::MIN));
        }
        MailOutcome::Delivered(Delivery {
            run: key,
            mail,
            owned,
        })
    }

    /// A child's result that is in the mailbox already: there is one per operation.
    fn delivered(&self, key: RunKey, kind: &MailKind) -> Option<Delivery> {
        let MailKind::Child { step, .. } = kind else {
            return None;
        };
        let run = self.runs.get(&key)?;
        let (mail, _) = run
            .mail
            .iter()
            .find(|(_, kind)| matches!(kind, MailKind::Child { step: s, .. } if s == step))?;
        Some(Delivery {
            run: key,
            mail: *mail,
            owned: run.owner.is_some(),
        })
    }

    fn standing(&self, commit: &Commit) -> Standing {
        let Some(run) = self.runs.get(&commit.run) else {
            return Standing::Lost;
        };
        if run.epoch != commit.epoch {
            return Standing::Lost;
        }
        let position = commit.position as usize;
        let there = run.events.get(position..).unwrap_or_default();
        if commit.events.is_empty() {
            return match (run.owner, &commit.update) {
                (Some(_), _) => Standing::Fresh,
                (None, Some(update))
                    if update.status == run.status
                        && commit.children.is_empty()
                        && commit.outgoing.is_empty() =>
                {
                    Standing::Repeated
                }
                (None, _) => Standing::Lost,
            };
        }
        if there.starts_with(&commit.events) {
            Standing::Repeated
        } else if run.owner.is_some() && run.events.len() == position {
            Standing::Fresh
        } else {
            Standing::Lost
        }
    }

    fn progress(&mut self, commit: &Commit) -> CommitOutcome {
        match self.standing(commit) {
            Standing::Lost => CommitOutcome::LostOwnership,
            Standing::Repeated => self.repeated(commit),
            Standing::Fresh => self.fresh(commit),
        }
    }

    fn repeated(&self, commit: &Commit) -> CommitOutcome {
        let children = commit.children.iter();
        let outgoing = commit.outgoing.iter();
        CommitOutcome::Committed {
            children: children
                .filter_map(|child| self.ids.get(&child.id))
                .map(|key| self.existing(*key))
                .collect(),
            outgoing: outgoing
                .map(|mail| self.delivered(self.target(&mail.to)?, &mail.kind))
                .collect(),
        }
    }

    fn fresh(&mut self, commit: &Commit) -> CommitOutcome {
        if let Some(run) = self.runs.get_mut(&commit.run) {
            run.events.extend_from_slice(&commit.events);
            for mail in &commit.consumed {
                run.mail.remove(mail);
            }
        }
        let children = commit.children.iter().map(|new| self.start(new)).collect();
        if let Some(update) = &commit.update {
            self.update(commit.run, update, commit.at);
        }
        let outgoing = commit
            .outgoing
            .iter()
            .map(|mail| match self.deliver(mail) {
                MailOutcome::Delivered(delivery) => Some(delivery),
                MailOutcome::UnknownRun | MailOutcome::Ended(_) => None,
            })
            .collect();
        CommitOutcome::Committed { children, outgoing }
    }

    fn update(&mut self, key: RunKey, update: &RunUpdate, at: Timestamp) {
        let Some(run) = self.runs.get_mut(&key) else {
            return;
        };
        run.status = update.status;
        run.reason.clone_from(&update.reason);
        run.updated_at = at;
        if update.status.is_terminal() {
            run.owner = None;
            run.mail.clear();
            return self.set_due(key, None);
        }
        let Ownership::Release { due, seen } = update.ownership else {
            return;
        };
        run.owner = None;
        let woken = run
            .mail
            .range(MailId::new(seen.get().saturating_add(1))..)
            .any(|(_, kind)| rules::mail_wakes(update.status, kind));
        self.set_due(key, if woken { Some(Timestamp::MIN) } else { due });
    }
}
