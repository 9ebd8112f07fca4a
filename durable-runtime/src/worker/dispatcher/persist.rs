//! Calls to the store that are made until they succeed.

use std::{convert::Infallible, time::Duration};

use super::services;
use crate::{
    store::{Store, StoreError, StoreErrorKind, StoreFuture},
    worker::Shared,
};

/// Makes a call until it succeeds, for as long as it takes: an infrastructure fault is never anybody's
/// failure. An error that is for the caller (`is_given_back`) is not repeated. The lease is kept meanwhile.
/// Whoever ends the engine drops the future.
pub(super) async fn persist<'s, T>(
    shared: &'s Shared,
    is_given_back: impl Fn(&StoreError) -> bool,
    call: impl Fn(&'s dyn Store) -> StoreFuture<'s, T>,
) -> Result<T, StoreError> {
    keeping_the_lease(shared, until_it_succeeds(shared, is_given_back, call)).await
}

/// Waits for a call, and renews the lease as often as is due while it takes its time.
pub(super) async fn keeping_the_lease<T>(shared: &Shared, call: impl Future<Output = T>) -> T {
    tokio::select! {
        biased;
        answer = call => answer,
        never = keep_the_lease(shared) => match never {},
    }
}

async fn until_it_succeeds<'s, T>(
    shared: &'s Shared,
    is_given_back: impl Fn(&StoreError) -> bool,
    call: impl Fn(&'s dyn Store) -> StoreFuture<'s, T>,
) -> Result<T, StoreError> {
    let mut delay = Duration::from_millis(10);
    loop {
        match call(&*shared.store).await {
            Ok(answer) => {
                shared.note_success();
                return Ok(answer);
            }
            // It is the database's answer.
            Err(error) if error.kind() == StoreErrorKind::MailboxFull => {
                shared.note_success();
                return Err(error);
            }
            Err(error) => {
                shared.note_trouble(&error);
                if is_given_back(&error) {
                    return Err(error);
                }
            }
        }
        tokio::time::sleep(delay).await;
        delay = (delay * 2).min(Duration::from_secs(2));
    }
}

/// Renews the lease as often as is due. What to do about one that is lost is for the next heartbeat.
async fn keep_the_lease(shared: &Shared) -> Infallible {
    loop {
        let left = shared.lease.renew_at();
        let left = left.saturating_sub(shared.steady.now());
        shared.steady.sleep(left).await;
        match services::renew(shared).await {
            Ok(true) => {}
            Ok(false) => return std::future::pending().await,
            Err(error) => shared.note_trouble(&error),
        }
    }
}
