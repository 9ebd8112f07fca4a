//! Mail that others have written: it is looked for, and read for many runs at a time.

use std::{
    collections::{BTreeSet, VecDeque},
    sync::Arc,
};

use super::{Dispatcher, Size, persist};
use crate::{
    journal::{MailId, RunKey},
    store::{Hint, Mail, StoreError},
    worker::{
        ending,
        slot::{Input, Slot},
    },
};

/// The most runs whose mailboxes are read in one call.
const RUNS_MAX: usize = 256;

/// The runs whose mailboxes are to be read: each once, and the one that was asked for first comes first.
#[derive(Debug, Default)]
pub(super) struct Unread {
    queue: VecDeque<RunKey>,
    known: BTreeSet<RunKey>,
}

impl Unread {
    pub(super) fn add(&mut self, run: RunKey) {
        if self.known.insert(run) {
            self.queue.push_back(run);
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    fn take(&mut self) -> Option<RunKey> {
        let run = self.queue.pop_front()?;
        self.known.remove(&run);
        Some(run)
    }
}

impl Dispatcher {
    /// Looks at what another process says it has written. It is needed for speed alone: all of it is
    /// also found by looking from time to time.
    pub(super) async fn heed(&mut self, hint: Hint) {
        if hint.due || hint.missed {
            self.look_for_runs();
        }
        if hint.missed {
            // The database may be another one, which knows less.
            self.shared.doubt();
        }
        for run in hint.mail {
            self.unread.add(run);
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

    /// Finds the runs to which other processes have sent mail.
    pub(super) async fn fetch_unread(&mut self) {
        if self.shared.residents.len() == 0 {
            return;
        }
        let unread = self.shared.store.unread(self.shared.worker()).await;
        match unread {
            Ok(runs) => runs.into_iter().for_each(|run| self.unread.add(run)),
            Err(error) => self.shared.note_trouble(&error),
        }
    }

    /// Hands runs the mail that is new in their mailboxes: for many runs in one call, and only so much
    /// before everything else has its turn.
    pub(super) async fn read_mail(&mut self) {
        let limit = self.mail_bounds.items();
        let mut slots = Vec::new();
        while slots.len() < limit.min(RUNS_MAX)
            && let Some(run) = self.unread.take()
        {
            slots.extend(self.shared.residents.find(run));
        }
        if slots.is_empty() {
            return;
        }
        let runs: Vec<_> = slots
            .iter()
            .map(|slot| (slot.run, slot.read_to()))
            .collect();
        let shared = Arc::clone(&self.shared);
        let of_a_part = StoreError::may_be_of_a_part;
        let start = shared.steady.now();
        let found = persist(&shared, of_a_part, |store| store.mailboxes(&runs, limit));
        let found = found.await;
        let took = shared.steady.now().saturating_sub(start);
        match found {
            Ok(found) => {
                self.mail_bounds
                    .grow(Size::items(found.len().max(runs.len())), took);
                self.hand_out(&slots, found, limit);
            }
            Err(error) if slots.len() == 1 && (limit == 1 || !error.is_timeout()) => {
                slots[0].push(Input::Park(unreadable(&error)));
            }
            Err(error) => {
                let tried = Size::items(if error.is_timeout() {
                    limit
                } else {
                    runs.len()
                });
                self.mail_bounds
                    .shrink(tried, error.is_timeout().then_some(took));
                runs.iter().for_each(|(run, _)| self.unread.add(*run));
            }
        }
    }

    /// `found` is in the order of the slots. When it is as much as was asked for, there may be more.
    fn hand_out(
        &mut self,
        slots: &[Arc<Slot>],
        found: Vec<(RunKey, Result<Mail, StoreError>)>,
        limit: usize,
    ) {
        let is_all = found.len() < limit;
        let last = found.last().map(|(run, _)| *run);
        let mut found = found.into_iter().peekable();
        let mut is_whole = true;
        for slot in slots {
            is_whole &= is_all || last != Some(slot.run);
            while let Some((_, mail)) = found.next_if(|(run, _)| *run == slot.run) {
                match mail {
                    Ok(mail) => slot.push_read(mail),
                    Err(error) => slot.push(Input::Park(unreadable(&error))),
                }
            }
            match is_whole {
                true => slot.note_read(self.last_mail),
                false => self.unread.add(slot.run),
            }
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
}

fn unreadable(error: &StoreError) -> String {
    format!("its mail cannot be read: {error}")
}
