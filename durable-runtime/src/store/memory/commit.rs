//! Writing a batch.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::state::{Run, State};
use crate::{
    journal::{Epoch, MailId, RunKey, Timestamp, WorkerId},
    status::Status,
    store::{
        Batch, BatchId, BatchOutcome, Commit, CommitOutcome, Delivery, MailKind, MailOutcome,
        MailTarget, NewMail, NewRun, Ownership, RunUpdate, StartOutcome, StoreError, rules,
    },
};

/// How a commit stands to what is there.
enum Standing {
    Fresh,
    Repeated,
    Lost,
}

impl State {
    pub(super) fn commit(&mut self, batch: &Batch) -> Result<BatchOutcome, StoreError> {
        let without_room = self.without_room(batch);
        if !without_room.is_empty() {
            return Err(StoreError::without_room(without_room));
        }
        Ok(self.write(batch))
    }

    /// The signals that have no room, unless they were written before.
    fn without_room(&self, batch: &Batch) -> Vec<usize> {
        let (Some(max), false) = (batch.mailbox_max, self.is_repeated(batch)) else {
            return Vec::new();
        };
        let mut signals = Vec::new();
        let mut waiting = HashMap::new();
        for (place, new) in batch.mail.iter().enumerate() {
            let MailKind::Signal { name, .. } = &new.kind else {
                continue;
            };
            let run = self.target(&new.to).and_then(|key| self.runs.get(&key));
            let id = match (run, &new.to) {
                (Some(run), _) if rules::refusal(run.status_for_mail(), &new.kind).is_none() => {
                    let count = run.signals(name).take(max as usize).count();
                    waiting.insert((&run.id, name), u32::try_from(count).unwrap_or(max));
                    &run.id
                }
                // It may be started by this batch.
                (None, MailTarget::Id(id)) => id,
                _ => continue,
            };
            signals.push((place, (id, name)));
        }
        rules::without_room(signals, max, waiting)
    }

    fn write(&mut self, batch: &Batch) -> BatchOutcome {
        let repeated = self.remember(batch);
        let sender = batch.sender();
        BatchOutcome {
            starts: batch.starts.iter().map(|run| self.start(run)).collect(),
            mail: batch
                .mail
                .iter()
                .map(|mail| match repeated {
                    true => self.delivered(mail),
                    false => self.deliver(mail),
                })
                .collect(),
            commits: batch
                .commits
                .iter()
                .map(|commit| self.progress(commit, sender))
                .collect(),
        }
    }

    /// Whether the worker has sent this batch before, or a later one; remembers it if not.
    fn remember(&mut self, batch: &Batch) -> bool {
        let id = batch.id.filter(|_| !batch.mail.is_empty());
        id.is_some_and(|id| self.settle(id))
    }

    fn is_repeated(&self, batch: &Batch) -> bool {
        let last = batch
            .id
            .and_then(|id| self.batches.get(&id.worker).zip(Some(id.number)));
        last.is_some_and(|(last, number)| *last >= number)
    }

    /// Whether a worker's mail up to this batch was written; from now on it counts as that.
    pub(super) fn settle(&mut self, id: BatchId) -> bool {
        let last = self.batches.entry(id.worker).or_insert(i64::MIN);
        let is_known = *last >= id.number;
        *last = id.number.max(*last);
        is_known
    }

    fn start(&mut self, new: &NewRun) -> StartOutcome {
        let key = RunKey::new(self.runs.len() as i64 + 1);
        if let Some(key) = self.ids.get(&new.id) {
            return self.existing(*key, new);
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
            parked_by: BTreeSet::new(),
            deaths: 0,
            died_at: None,
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

    fn existing(&self, key: RunKey, new: &NewRun) -> StartOutcome {
        let run = &self.runs[&key];
        if rules::is_same_start(new, run.seed, run.epoch, run.owner) {
            return StartOutcome::Created { run: key };
        }
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
        if let Some(refusal) = rules::refusal(self.runs[&key].status_for_mail(), &new.kind) {
            return refusal;
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
            mail: Some(mail),
            owned,
        })
    }

    /// What became of mail that an earlier try has written.
    fn delivered(&self, new: &NewMail) -> MailOutcome {
        let Some(key) = self.target(&new.to) else {
            return MailOutcome::UnknownRun;
        };
        let run = &self.runs[&key];
        if let Some(refusal) = rules::refusal(run.status_for_mail(), &new.kind) {
            return refusal;
        }
        MailOutcome::Delivered(Delivery {
            run: key,
            mail: None,
            owned: run.owner.is_some(),
        })
    }

    fn standing(&self, commit: &Commit, sender: Option<WorkerId>) -> Standing {
        let Some(run) = self.runs.get(&commit.run) else {
            return Standing::Lost;
        };
        if run.epoch != commit.epoch || run.created_at != commit.created_at {
            return Standing::Lost;
        }
        let is_owner = run.owner.is_some() && (sender.is_none() || run.owner == sender);
        let position = commit.position as usize;
        let there = run.events.get(position..).unwrap_or_default();
        if commit.events.is_empty() {
            return if is_owner && run.events.len() >= position {
                Standing::Fresh
            } else if run.owner.is_none() && rules::is_same_release(commit, run.status) {
                Standing::Repeated
            } else {
                Standing::Lost
            };
        }
        if there.starts_with(&commit.events) {
            Standing::Repeated
        } else if is_owner && run.events.len() == position {
            Standing::Fresh
        } else {
            Standing::Lost
        }
    }

    fn progress(&mut self, commit: &Commit, sender: Option<WorkerId>) -> CommitOutcome {
        match self.standing(commit, sender) {
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
                .filter_map(|child| Some(self.existing(*self.ids.get(&child.id)?, child)))
                .collect(),
            outgoing: outgoing
                .map(|mail| self.delivered(mail).delivery())
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
            .map(|mail| self.deliver(mail).delivery())
            .collect();
        CommitOutcome::Committed { children, outgoing }
    }

    fn update(&mut self, key: RunKey, update: &RunUpdate, at: Timestamp) {
        let Some(run) = self.runs.get_mut(&key) else {
            return;
        };
        match (update.status, run.owner) {
            (Status::Parked, Some(worker)) => drop(run.parked_by.insert(worker)),
            _ => run.parked_by.clear(),
        }
        run.set_status(update.status);
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
        if update.status != Status::Parked {
            run.deaths = 0;
        }
        let woken = run
            .mail
            .range(MailId::new(seen.get().saturating_add(1))..)
            .any(|(_, kind)| rules::mail_wakes(update.status, kind));
        self.set_due(key, if woken { Some(Timestamp::MIN) } else { due });
    }
}
