//! Calls to the store that are made until they succeed.

use std::time::Duration;

use crate::{
    journal::Timestamp,
    store::{Store, StoreError, StoreFuture},
    worker::Shared,
};

/// Makes a call until it succeeds, for as long as it takes: an infrastructure fault is never anybody's
/// failure. The lease is renewed from `renew_at` on, as often as is due. `None` when the engine ends
/// first.
pub(super) async fn persist<'s, T>(
    shared: &'s Shared,
    renew_at: Timestamp,
    call: impl Fn(&'s dyn Store) -> StoreFuture<'s, T>,
) -> Option<T> {
    let mut delay = Duration::from_millis(10);
    loop {
        match keeping_the_lease(shared, renew_at, call(&*shared.store)).await {
            Ok(answer) => {
                shared.note_success();
                return Some(answer);
            }
            Err(error) => shared.note_trouble(&error),
        }
        if shared.is_stopping() && delay > Duration::from_secs(1) {
            return None;
        }
        tokio::time::sleep(delay).await;
        delay = (delay * 2).min(Duration::from_secs(2));
    }
}

/// Makes a call, and renews the lease as often as is due while it takes its time.
async fn keeping_the_lease<T>(
    shared: &Shared,
    renew_at: Timestamp,
    mut call: StoreFuture<'_, T>,
) -> Result<T, StoreError> {
    let clock = &shared.clock;
    let mut renew_at = renew_at.max(clock.now());
    loop {
        tokio::select! {
            biased;
            result = &mut call => return result,
            () = clock.sleep_until(renew_at) => {}
        }
        let now = clock.now();
        renew_at = now.after(shared.tuning.lease / 3);
        let until = now.after(shared.tuning.lease);
        // What to do about a lease that is lost is for the next heartbeat.
        let renewed = shared.store.renew_lease(shared.worker(), until);
        if matches!(renewed.await, Ok(true)) {
            shared.set_lease(until);
        }
    }
}
