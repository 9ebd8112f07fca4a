//! How much goes into one call: less after one that was too much, and more again after those that went well.

use std::time::Duration;

use super::Request;
use crate::store::{Batch, Commit, NewMail, NewRun};

/// How much is asked of the database at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Size {
    /// Requests, runs or pieces of mail.
    pub(super) items: usize,
    pub(super) bytes: usize,
}

impl Size {
    pub(super) fn of(requests: &[Request]) -> Self {
        Self {
            items: requests.len(),
            bytes: requests.iter().map(bytes).fold(0, usize::saturating_add),
        }
    }

    pub(super) fn of_batch(batch: &Batch) -> Self {
        let starts = batch.starts.iter().map(NewRun::bytes);
        let mail = batch.mail.iter().map(NewMail::bytes);
        let commits = batch.commits.iter().map(Commit::bytes);
        Self {
            items: batch.starts.len() + batch.mail.len() + batch.commits.len(),
            bytes: starts.chain(mail).chain(commits).sum(),
        }
    }

    /// So many things whose size does not matter.
    pub(super) fn items(items: usize) -> Self {
        Self { items, bytes: 0 }
    }
}

/// The bounds of one sort of call, learned from how its calls went.
#[derive(Debug)]
pub(super) struct Bounds {
    most: Size,
    now: Size,
    /// How long the last call took that was given up for its length; calls that come near it do not grow.
    patience: Duration,
}

impl Bounds {
    pub(super) fn new(most: Size) -> Self {
        Self {
            most,
            now: most,
            patience: Duration::MAX,
        }
    }

    /// The most items of the next call.
    pub(super) fn items(&self) -> usize {
        self.now.items
    }

    /// How many of the requests, from the first, go into the next batch: at least one.
    pub(super) fn fitting(&self, requests: &[Request]) -> usize {
        let mut bytes_so_far = 0_usize;
        let fitting = requests.iter().take(self.now.items).take_while(|request| {
            let is_first = bytes_so_far == 0;
            bytes_so_far = bytes_so_far.saturating_add(bytes(request));
            is_first || bytes_so_far <= self.now.bytes
        });
        fitting.count()
    }

    /// A call failed that may succeed in parts: the next is half of it. `timed_out`: how long it took, if
    /// that was its fault.
    pub(super) fn shrink(&mut self, tried: Size, timed_out: Option<Duration>) {
        self.now.items = self.now.items.min(tried.items / 2).max(1);
        if let Some(took) = timed_out {
            self.now.bytes = self.now.bytes.min(tried.bytes / 2).max(1);
            self.patience = took;
        }
    }

    /// A call went well: one that was as large as was allowed, and quick, may be twice as large.
    pub(super) fn grow(&mut self, done: Size, took: Duration) {
        if self.now == self.most || took > self.patience / 4 {
            return;
        }
        if done.items.saturating_mul(2) >= self.now.items {
            self.now.items = self.now.items.saturating_mul(2).min(self.most.items);
        }
        if done.bytes.saturating_mul(2) >= self.now.bytes {
            self.now.bytes = self.now.bytes.saturating_mul(2).min(self.most.bytes);
        }
    }
}

/// About how many bytes a request adds to a batch; never zero.
fn bytes(request: &Request) -> usize {
    let bytes = match request {
        Request::Start { run, .. } => run.bytes(),
        Request::Mail { mail, .. } => mail.bytes(),
        Request::Commit { commit, .. } | Request::LetGo { commit } => commit.bytes(),
        Request::Vanished { .. } | Request::Shutdown => 0,
    };
    bytes.max(1)
}

#[cfg(test)]
mod tests {
    use tokio::sync::oneshot;

    use super::*;
    use crate::{
        journal::{Payload, RunKey, Timestamp},
        store::{MailKind, MailTarget, NewMail},
    };

    const MOST: Size = Size {
        items: 100,
        bytes: 1 << 20,
    };

    fn mail(bytes: usize) -> Request {
        let kind = MailKind::Signal {
            name: "s".to_owned(),
            payload: Payload::from_bytes(vec![b'1'; bytes]),
        };
        let mail = NewMail {
            to: MailTarget::Key(RunKey::new(1)),
            kind,
            at: Timestamp::MIN,
        };
        let (reply, _) = oneshot::channel();
        Request::Mail { mail, reply }
    }

    fn fitting(bounds: &Bounds, sizes: &[usize]) -> usize {
        let requests: Vec<_> = sizes.iter().map(|bytes| mail(*bytes)).collect();
        bounds.fitting(&requests)
    }

    #[test]
    fn requests_that_are_large_together_go_into_several_batches() {
        let bounds = Bounds::new(MOST);
        let third = MOST.bytes / 3;
        for (sizes, expected) in [
            (vec![], 0),
            (vec![10, 20, 30], 3),
            (vec![third; 9], 2),
            (vec![MOST.bytes, 1], 1),
            (vec![MOST.bytes * 2], 1),
            (vec![1, MOST.bytes * 2, 1], 1),
            (vec![1; 999], 100),
        ] {
            assert_eq!(fitting(&bounds, &sizes), expected, "{sizes:?}");
        }
    }

    #[test]
    fn what_took_too_long_is_halved_and_grows_again_when_calls_are_quick() {
        let mut bounds = Bounds::new(MOST);
        bounds.shrink(MOST, Some(Duration::from_secs(10)));
        bounds.shrink(bounds.now, Some(Duration::from_secs(10)));
        let quarter = Size {
            items: 25,
            bytes: MOST.bytes / 4,
        };
        assert_eq!(bounds.now, quarter);
        // Near to what was too long.
        bounds.grow(quarter, Duration::from_secs(3));
        assert_eq!(bounds.now, quarter);
        // Quick, but small: it says nothing of large ones.
        bounds.grow(Size { items: 1, bytes: 9 }, Duration::ZERO);
        assert_eq!(bounds.now, quarter);
        for _ in 0..2 {
            bounds.grow(bounds.now, Duration::from_secs(1));
        }
        assert_eq!(bounds.now, MOST);
    }

    #[test]
    fn a_culprit_is_alone_after_a_few_halvings_and_then_forgotten() {
        let mut bounds = Bounds::new(MOST);
        for items in [100, 50, 25, 12, 6, 3] {
            bounds.shrink(Size { items, bytes: 0 }, None);
        }
        assert_eq!(fitting(&bounds, &[1; 9]), 1);
        for items in [1, 2, 4, 8, 16, 32, 64] {
            bounds.grow(Size { items, bytes: 0 }, Duration::from_secs(9));
        }
        assert_eq!(bounds.now, MOST);
    }
}
