//! What comes to a run from outside: it is taken in at the frontier, and what has a name is handed to whoever
//! waits for that name.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet, VecDeque},
};

use super::{
    Machine, OperationIndex,
    operation::{Operation, State},
};
use crate::{
    journal::{EventKind, MailId, Payload},
    record::{Mail, MailKind},
};

/// The mail of a run, and who waits for it.
#[derive(Debug)]
pub(super) struct Mailbox {
    /// What has not been looked at.
    incoming: VecDeque<Mail>,
    /// All that was ever handed in, so that none is taken twice.
    known: BTreeSet<MailId>,
    /// The last mail below which no other is unknown: the last one that was loaded with the run. Mail
    /// that comes while the run is in memory says nothing of what other workers put beside it.
    pub(super) seen: MailId,
    /// What nobody has taken, by name.
    named: BTreeMap<String, BTreeMap<MailId, Payload>>,
    /// Who waits for which name, in the order in which they asked.
    waiting: BTreeMap<Cow<'static, str>, VecDeque<OperationIndex>>,
    /// Who waits and has not recorded it, since mail of that name was there.
    pub(super) undecided: Vec<OperationIndex>,
}

impl Default for Mailbox {
    fn default() -> Self {
        Self {
            incoming: VecDeque::new(),
            known: BTreeSet::new(),
            seen: MailId::new(0),
            named: BTreeMap::new(),
            waiting: BTreeMap::new(),
            undecided: Vec::new(),
        }
    }
}

impl Mailbox {
    /// Whether nothing is there that was not looked at.
    pub(super) fn is_quiet(&self) -> bool {
        self.incoming.is_empty()
    }

    /// Whether mail of this name is there.
    pub(super) fn has(&self, name: &str) -> bool {
        self.named.get(name).is_some_and(|mail| !mail.is_empty())
    }

    /// Has an operation wait for mail of this name.
    pub(super) fn await_named(&mut self, name: Cow<'static, str>, waiter: OperationIndex) {
        let waiting = self.waiting.entry(name).or_default();
        waiting.push_back(waiter);
    }
}

#[cfg(debug_assertions)]
impl Mailbox {
    /// Who waits for mail.
    pub(super) fn waiting(&self) -> impl Iterator<Item = OperationIndex> {
        self.waiting.values().flatten().copied()
    }

    /// Compares what is there with what was handed in and what was taken.
    pub(super) fn recount(&self, consumed: &[MailId]) {
        let named = self.named.values().flat_map(BTreeMap::keys);
        let incoming = self.incoming.iter().map(|mail| &mail.id);
        let here: Vec<_> = named.chain(incoming).collect();
        let taken: BTreeSet<_> = consumed.iter().collect();
        assert_eq!(taken.len(), consumed.len(), "mail is taken once");
        for mail in &here {
            assert!(self.known.contains(mail), "{mail:?} was never handed in");
            assert!(!taken.contains(mail), "{mail:?} was taken and is there");
        }
        let apart: BTreeSet<_> = here.iter().collect();
        assert_eq!(apart.len(), here.len(), "mail is in one place");
        for waiting in self.waiting.values() {
            let apart: BTreeSet<_> = waiting.iter().collect();
            assert_eq!(apart.len(), waiting.len(), "who waits does so once");
        }
    }
}

/// Whether an operation still takes mail of the name that it waits for.
fn takes_mail(operation: &Operation) -> bool {
    let waits = matches!(operation.state(), State::Waiting { .. } | State::Asked);
    waits && !operation.is_dropped()
}

impl Machine {
    /// Takes mail in. It has effect at the frontier; mail that was handed in before is ignored.
    pub(super) fn handle_mail(&mut self, mail: Mail) {
        if self.mailbox.known.insert(mail.id) {
            self.mailbox.incoming.push_back(mail);
        }
    }

    /// Looks at what has come. Mail was addressed by the names that operations had when it was sent.
    pub(super) fn take_mail(&mut self) {
        let graph = self.identity.blueprint.graph();
        let mut early = VecDeque::new();
        while let Some(Mail { id, kind }) = self.mailbox.incoming.pop_front() {
            match kind {
                MailKind::Signal { name, payload } => {
                    let name = graph.present_signal(name);
                    let named = self.mailbox.named.entry(name).or_default();
                    named.insert(id, payload);
                }
                MailKind::Child { step, outcome } => {
                    self.take_child(id, graph.present(step), outcome);
                }
                MailKind::Cancel => self.take_cancel(id),
                // The body has ended, and nothing is decided yet: a rollback may follow.
                MailKind::AbandonRollback
                    if self.ledger.cause.is_none() && self.body_result.is_some() =>
                {
                    early.push_back(Mail { id, kind });
                }
                MailKind::AbandonRollback => {
                    self.take_cancel(id);
                    if !self.ledger.abandoned {
                        self.propose(None, EventKind::RollbackAbandoned);
                    }
                }
            }
        }
        self.mailbox.incoming = early;
    }

    fn take_cancel(&mut self, id: MailId) {
        self.consumed.push(id);
        if self.ledger.cause.is_none() && self.body_result.is_none() {
            self.propose(None, EventKind::CancelRequested);
        }
    }

    /// Hands the mail that came first, of what is waited for, to the wait that was asked for first. Only
    /// one, and only to a body that knows everything before it: what the body does next may be to let go of
    /// the other waits, and mail to a wait that nobody holds would be lost.
    pub(super) fn match_mail(&mut self) {
        if !self.undelivered.is_empty() || self.mailbox.waiting.is_empty() {
            return;
        }
        let names: Vec<_> = self.mailbox.waiting.keys().cloned().collect();
        let mut first: Option<(MailId, OperationIndex, Cow<'static, str>)> = None;
        for name in names {
            let named = self.mailbox.named.get(&*name);
            let Some(mail) = named.and_then(|named| named.keys().next().copied()) else {
                continue;
            };
            let is_earlier = first.as_ref().is_none_or(|(other, ..)| mail < *other);
            if let Some(waiter) = self.next_waiter(&name).filter(|_| is_earlier) {
                first = Some((mail, waiter, name));
            }
        }
        let Some((mail, waiter, name)) = first else {
            return;
        };
        let named = self.mailbox.named.get_mut(&*name);
        let Some(payload) = named.and_then(|named| named.remove(&mail)) else {
            return;
        };
        if let Some(waiting) = self.mailbox.waiting.get_mut(&name) {
            waiting.pop_front();
        }
        self.consumed.push(mail);
        self.with(waiter, |work, place| work.receive(place, payload));
    }

    /// The first operation that still waits for this name.
    fn next_waiter(&mut self, name: &str) -> Option<OperationIndex> {
        let waiting = self.mailbox.waiting.get_mut(name)?;
        while let Some(index) = waiting.front().copied() {
            if takes_mail(&self.operations[index]) {
                return Some(index);
            }
            waiting.pop_front();
        }
        self.mailbox.waiting.remove(name);
        None
    }

    /// Records the waits whose mail went to others after all.
    pub(super) fn record_waits(&mut self) {
        for index in std::mem::take(&mut self.mailbox.undecided) {
            let operation = &self.operations[index];
            if *operation.state() == State::Asked && !operation.is_dropped() {
                self.with(index, |work, place| work.wait(place));
            }
        }
    }
}
