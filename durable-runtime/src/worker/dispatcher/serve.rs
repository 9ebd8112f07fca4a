//! The dispatcher of a client that has a database and no engine: it writes what clients ask for, and hears
//! what other processes have done. It claims nothing, owns nothing, keeps no lease and judges nobody.

use std::time::Duration;

use tokio::task::yield_now;

use super::{BATCH_MAX, Dispatcher};
use crate::journal::Timestamp;

/// How long it sleeps at the most when nothing is asked.
const REST: Duration = Duration::from_secs(3_600);

impl Dispatcher {
    /// Works until every handle of the client is gone.
    pub(in crate::worker) async fn serve(mut self) {
        loop {
            let now = self.shared.clock.now();
            let left = self.next_try().map_or(REST, |at| at.since(now).min(REST));
            let is_busy = !self.backlog.is_empty();
            tokio::select! {
                biased;
                hint = self.shared.store.hint() => self.heed(hint).await,
                count = self.requests.recv_many(&mut self.backlog, BATCH_MAX) => {
                    if count == 0 {
                        return;
                    }
                }
                () = self.shared.steady.sleep(left) => {}
                () = yield_now(), if is_busy => {}
            }
            self.write().await;
            self.try_aside().await;
        }
    }
}

/// The number of a client's next batch: the time, if it is later than that of the one before. So whoever
/// tidies up sees how long ago a client has sent something, though no row says whether it lives; and a
/// client that draws the number of one before it goes on above what that one has sent.
pub(super) fn next_number(before: i64, now: Timestamp) -> i64 {
    now.as_micros().max(before.saturating_add(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_batches_are_times_and_grow_also_when_the_clock_is_set_back() {
        let at = Timestamp::from_micros;
        assert_eq!(next_number(0, at(1_000)), 1_000);
        assert_eq!(next_number(1_000, at(1_000)), 1_001);
        assert_eq!(next_number(1_001, at(7)), 1_002);
        assert_eq!(next_number(1_002, at(2_000)), 2_000);
    }
}
