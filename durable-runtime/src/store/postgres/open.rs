//! Opening: the thread, the connections, what the server is, and the schema.

use std::{sync::Arc, time::Duration};

use sqlx::PgConnection;
use tokio::{task::AbortHandle, time::timeout};

use super::{
    PostgresOptions,
    address::Address,
    connect::Connector,
    error::{Fault, describe},
    notify::{Hints, Line},
    pool::Pool,
    presence::Presence,
    rights, schema, server,
    store::Shared,
    thread::IoThread,
    worker,
};
use crate::{
    clock::DatabaseClock,
    observe,
    store::{StoreError, StoreErrorKind},
};

/// How long opening waits for the listener, which is not needed to begin.
const FIRST_LISTEN: Duration = Duration::from_secs(1);
/// How long a write waits for a row that somebody else holds, if a call may take longer. Nobody of ours holds
/// one for as long.
const LOCK_TIMEOUT: Duration = Duration::from_secs(1);

pub(super) async fn open(url: &str, options: PostgresOptions) -> Result<Shared, StoreError> {
    let address = Address::parse(url, &options.schema)?;
    let thread = IoThread::start().map_err(|error| {
        StoreError::new(
            StoreErrorKind::Unavailable,
            "the thread for the connections cannot be started",
        )
        .with_source(error)
    })?;
    let opening = thread.spawn(async move { prepare(address, &options).await });
    let prepared = super::store::joined(opening).await??;
    Ok(Shared::new(thread, prepared))
}

/// All that is needed to serve calls.
#[derive(Debug)]
pub(super) struct Prepared {
    pub(super) address: Address,
    pub(super) work: Pool,
    pub(super) leases: Arc<Pool>,
    pub(super) clock: Arc<DatabaseClock>,
    pub(super) hints: Arc<Hints>,
    pub(super) presence: Arc<Presence>,
    /// Sending, listening, and looking whether others are there.
    pub(super) hinting: Vec<AbortHandle>,
    pub(super) warnings: Vec<String>,
}

async fn prepare(address: Address, options: &PostgresOptions) -> Result<Prepared, StoreError> {
    let connector = Arc::new(Connector::new(&address, options));
    let lock_timeout = LOCK_TIMEOUT.min(options.call_timeout / 2);
    let mut first = login(&connector, &address, options, lock_timeout).await?;
    let mut second = login(&connector, &address, options, Duration::ZERO).await?;
    // Only then can the answers be trusted.
    server::refuse_pooler(&mut first, &mut second, &address).await?;
    let mut warnings = server::inspect(&mut first, &address).await?;
    warnings.extend(address.weak_encryption());
    for warning in &warnings {
        observe::worker::database_warning(&warning);
    }
    schema::prepare(&mut first, &address).await?;
    let size = u32::try_from(options.connections).unwrap_or(u32::MAX);
    let work = Pool::new(Arc::clone(&connector), size, options.call_timeout);
    let work = work.with_lock_timeout(lock_timeout);
    work.put_back(first);
    let clock = read_clock(&mut second, &address).await?;
    let leases = Arc::new(Pool::new(connector, 1, options.call_timeout));
    leases.put_back(second);
    let hints = Arc::new(Hints::new(&address.schema));
    let presence = Arc::new(Presence::new(&address.schema));
    let hinting = match options.notifications {
        true => start_hinting(&hints, &presence, &leases, &address, options),
        false => Vec::new(),
    };
    if options.notifications {
        // Workers are registered with the proof of their presence, if it comes in time.
        let _ = timeout(FIRST_LISTEN, hints.has_tried_to_listen()).await;
    }
    Ok(Prepared {
        address,
        work,
        leases,
        clock: Arc::new(clock),
        hints,
        presence,
        hinting,
        warnings,
    })
}

/// A few readings, of which the best counts.
async fn read_clock(
    connection: &mut PgConnection,
    address: &Address,
) -> Result<DatabaseClock, StoreError> {
    let cannot = |error: sqlx::Error| describe("read the clock", address, error.into());
    let first = worker::pulse(connection).await.map_err(cannot)?;
    let clock = DatabaseClock::new(first.reading);
    for _ in 0..3 {
        let next = worker::pulse(connection).await.map_err(cannot)?;
        clock.correct(next.reading);
    }
    Ok(clock)
}

fn start_hinting(
    hints: &Arc<Hints>,
    presence: &Arc<Presence>,
    leases: &Arc<Pool>,
    address: &Address,
    options: &PostgresOptions,
) -> Vec<AbortHandle> {
    let sending = Arc::clone(hints).send(Arc::clone(leases));
    let listening = Arc::clone(hints).listen(Line {
        servers: Arc::clone(&address.servers),
        patience: options.call_timeout,
        presence: Arc::clone(presence),
        leases: Arc::clone(leases),
    });
    let watching = Arc::clone(presence).watch(Arc::clone(hints), Arc::clone(leases));
    vec![
        tokio::spawn(sending).abort_handle(),
        tokio::spawn(listening).abort_handle(),
        tokio::spawn(watching).abort_handle(),
    ]
}

async fn login(
    connector: &Connector,
    address: &Address,
    options: &PostgresOptions,
    lock_timeout: Duration,
) -> Result<PgConnection, StoreError> {
    let connected = timeout(options.call_timeout, connector.connect(lock_timeout)).await;
    let connected = match connected {
        Ok(connected) => connected.map_err(Fault::from),
        Err(_) => Err(Fault::NoConnection(options.call_timeout)),
    };
    connected.map_err(|fault| match &fault {
        Fault::Driver(sqlx::Error::Database(error)) if error.code().as_deref() == Some("42501") => {
            rights::denied_login(address)
        }
        _ => describe("log in to the server", address, fault),
    })
}
