//! Room in mailboxes.
//!
//! The bound of a mailbox is kept by those who send. To count what waits with each signal would make every
//! signal dearer for the few mailboxes that are ever full; so a sender counts once for many signals, and may
//! pass the bound by as many. Each name has room of its own: a run that waits for one signal is not shut in by
//! others that it does not take.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use crate::{journal::RunId, store::Store};

/// With so many mailboxes, those are forgotten that got little.
const MAILBOXES_MAX: usize = 10_000;

/// A run, and the name of a signal to it.
type Key = (RunId, String);

/// How many signals this process may send to runs before it counts what waits there.
#[derive(Debug, Default)]
pub(crate) struct Room(Mutex<HashMap<Key, Mailbox>>);

/// What this process knows of the signals of one name to one run.
#[derive(Debug, Default, Clone, Copy)]
struct Mailbox {
    /// How many may be sent before the next count.
    left: u32,
    /// How many were sent and have no answer.
    on_the_way: u32,
    /// How many were ever sent.
    sent: u32,
}

impl Mailbox {
    fn send(&mut self) {
        self.left = self.left.saturating_sub(1);
        self.on_the_way += 1;
        self.sent = self.sent.wrapping_add(1);
    }
}

/// A signal on its way: it takes room that a count does not show.
#[derive(Debug)]
pub(crate) struct Sending<'r> {
    room: &'r Room,
    key: Key,
}

impl Drop for Sending<'_> {
    fn drop(&mut self) {
        self.room.with(|mailboxes| {
            if let Some(mailbox) = mailboxes.get_mut(&self.key) {
                mailbox.on_the_way = mailbox.on_the_way.saturating_sub(1);
            }
        });
    }
}

impl Room {
    /// Takes room for a signal to a run whose mailbox holds `max` of its name; `None` when there is none. A
    /// sender that `counts` looks at once; any other after a tenth of the bound. While the database cannot
    /// be read, nobody is refused: what is sent waits for it.
    pub(crate) async fn take(
        &self,
        store: &dyn Store,
        (run, name): (&RunId, &str),
        max: u32,
        counts: bool,
    ) -> Option<Sending<'_>> {
        let share = (max / 10).max(1);
        let key = (run.clone(), name.to_owned());
        let (is_sent, before) = self.try_take(&key, share, counts);
        if !is_sent {
            let waiting = store.signals_waiting(run, name, max).await.ok();
            let fits = self.with(|mailboxes| {
                let mailbox = mailboxes.entry(key.clone()).or_default();
                if let Some(waiting) = waiting {
                    // What was on its way when the count began, and what was sent since, is not in it for sure.
                    let since = mailbox.sent.wrapping_sub(before.sent);
                    let known = waiting
                        .saturating_add(before.on_the_way)
                        .saturating_add(since);
                    mailbox.left = max.saturating_sub(known).min(share);
                }
                let fits = waiting.is_none() || mailbox.left > 0;
                if fits {
                    mailbox.send();
                }
                fits
            });
            if !fits {
                return None;
            }
        }
        Some(Sending { room: self, key })
    }

    /// Whether there was room without a count; and how it was before.
    fn try_take(&self, key: &Key, share: u32, counts: bool) -> (bool, Mailbox) {
        self.with(|mailboxes| {
            if mailboxes.len() >= MAILBOXES_MAX && !mailboxes.contains_key(key) {
                mailboxes.retain(|_, mailbox| mailbox.left <= share / 2 || mailbox.on_the_way > 0);
            }
            let at_first = Mailbox {
                left: if counts { 0 } else { share },
                ..Mailbox::default()
            };
            let mailbox = mailboxes.entry(key.clone()).or_insert(at_first);
            let before = *mailbox;
            if before.left > 0 {
                mailbox.send();
            }
            (before.left > 0, before)
        })
    }

    fn with<T>(&self, work: impl FnOnce(&mut HashMap<Key, Mailbox>) -> T) -> T {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
