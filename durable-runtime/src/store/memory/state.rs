//! What the database holds, and the reads.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::{
    journal::{Epoch, Event, MailId, Payload, RunId, RunKey, Timestamp, WorkerId},
    status::Status,
    store::{Mail, MailKind, Parent, RunPage, RunQuery, RunRecord, rules},
};

/// One run with all that belongs to it.
#[derive(Debug)]
pub(super) struct Run {
    pub(super) id: RunId,
    pub(super) workflow: String,
    pub(super) status: Status,
    pub(super) epoch: Epoch,
    pub(super) owner: Option<WorkerId>,
    pub(super) due: Option<Timestamp>,
    pub(super) parent: Option<Parent>,
    pub(super) seed: i64,
    pub(super) input: Payload,
    pub(super) reason: Option<String>,
    /// The workers that have parked it since it last went on.
    pub(super) parked_by: BTreeSet<WorkerId>,
    pub(super) created_at: Timestamp,
    pub(super) updated_at: Timestamp,
    pub(super) deaths: u32,
    /// How long the journal was at the last death.
    pub(super) died_at: Option<usize>,
    pub(super) events: Vec<Event>,
    pub(super) mail: BTreeMap<MailId, MailKind>,
}

/// A registered worker.
#[derive(Debug)]
pub(super) struct Worker {
    pub(super) lease_until: Timestamp,
    /// The workflows it can drive; `None` for all.
    pub(super) workflows: Option<Vec<String>>,
    /// The suspect it took last, and until when it is on trial.
    pub(super) trial: Option<(RunKey, Timestamp)>,
}

/// The database. `due` indexes the runs that have a due time: exactly those that may be claimed.
#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) runs: BTreeMap<RunKey, Run>,
    pub(super) ids: HashMap<RunId, RunKey>,
    pub(super) children: BTreeMap<RunKey, Vec<RunKey>>,
    pub(super) due: BTreeSet<(Timestamp, RunKey)>,
    pub(super) workers: BTreeMap<WorkerId, Worker>,
    /// The last batch with mail of each worker.
    pub(super) batches: BTreeMap<WorkerId, i64>,
    pub(super) last_mail: i64,
    pub(super) last_worker: i64,
}

impl State {
    /// Sets when a run is due and keeps the index in step.
    pub(super) fn set_due(&mut self, key: RunKey, due: Option<Timestamp>) {
        let Some(run) = self.runs.get_mut(&key) else {
            return;
        };
        if let Some(old) = run.due.take() {
            self.due.remove(&(old, key));
        }
        run.due = due;
        if let Some(due) = due {
            self.due.insert((due, key));
        }
    }

    pub(super) fn find(&self, id: &RunId) -> Option<RunRecord> {
        self.read(*self.ids.get(id)?)
    }

    pub(super) fn read(&self, key: RunKey) -> Option<RunRecord> {
        self.runs.get(&key).map(|run| run.record(key))
    }

    pub(super) fn history(&self, key: RunKey) -> Vec<Event> {
        self.runs
            .get(&key)
            .map(|run| run.events.clone())
            .unwrap_or_default()
    }

    pub(super) fn mailbox(&self, key: RunKey) -> Vec<Mail> {
        let mail = self.runs.get(&key).map(|run| run.mail.iter());
        mail.into_iter()
            .flatten()
            .map(|(id, kind)| Mail {
                id: *id,
                kind: kind.clone(),
            })
            .collect()
    }

    pub(super) fn children(&self, key: RunKey) -> Vec<RunRecord> {
        let children = self.children.get(&key).map_or(&[][..], Vec::as_slice);
        children.iter().filter_map(|key| self.read(*key)).collect()
    }

    pub(super) fn list(&self, query: &RunQuery) -> RunPage {
        let before = query.before.unwrap_or(RunKey::new(i64::MAX));
        let keys: Box<dyn Iterator<Item = &RunKey>> = match query.parent {
            Some(parent) => Box::new(self.children.get(&parent).into_iter().flatten().rev()),
            None => Box::new(self.runs.range(..before).rev().map(|(key, _)| key)),
        };
        let mut runs: Vec<_> = keys
            .filter(|key| **key < before)
            .filter_map(|key| Some((key, self.runs.get(key)?)))
            .filter(|(_, run)| query.statuses.is_empty() || query.statuses.contains(&run.status))
            .filter(|(_, run)| query.workflow.as_ref().is_none_or(|w| *w == run.workflow))
            .take(query.limit.saturating_add(1))
            .map(|(key, run)| RunRecord {
                input: Payload::from_bytes([]),
                ..run.record(*key)
            })
            .collect();
        let more = runs.len() > query.limit;
        runs.truncate(query.limit);
        let next = runs.last().filter(|_| more).map(|run| run.run);
        RunPage { runs, next }
    }
}

impl Run {
    /// About how many bytes it takes to load.
    pub(super) fn bytes(&self) -> usize {
        let events = self.events.iter().map(|event| event.kind.payload_bytes());
        self.input.len() + events.sum::<usize>()
    }

    pub(super) fn set_status(&mut self, status: Status) {
        debug_assert!(
            self.status.may_become(status),
            "run {:?} would become {status} from {}",
            self.id,
            self.status
        );
        self.status = status;
    }

    /// The signals of a name that wait for it.
    pub(super) fn signals(&self, name: &str) -> impl Iterator<Item = &MailKind> {
        let mail = self.mail.values();
        mail.filter(
            move |mail| matches!(mail, MailKind::Signal { name: known, .. } if known == name),
        )
    }

    pub(super) fn status_for_mail(&self) -> Status {
        let began = self.events.iter().any(|event| event.kind.begins_rollback());
        rules::status_for_mail(self.status, began)
    }

    fn record(&self, key: RunKey) -> RunRecord {
        RunRecord {
            run: key,
            id: self.id.clone(),
            workflow: self.workflow.clone(),
            status: self.status,
            input: self.input.clone(),
            parent: self.parent.clone(),
            created_at: self.created_at,
            updated_at: self.updated_at,
            reason: self.reason.clone(),
        }
    }
}
