//! Opening: the thread, the connections, what the server is, and the schema.

use std::{sync::Arc, time::Duration};

use sqlx::PgConnection;
use tokio::{task::AbortHandle, time::timeout};

use super::{
    PostgresOptions,
    address::Address,
    connect::Connector,
    error::{Fault, describe},
    heads::Heads,
    notify::{Hints, Line},
    owners::Owners,
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

/// What a store is opened for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// Workers: the schema is made and brought to this version, and processes show that they live.
    Work,
    /// Clients: the database is taken as it is, and nobody sees that they are there but by what they ask.
    Ask,
}

pub(super) async fn open(
    url: &str,
    options: PostgresOptions,
    purpose: Purpose,
) -> Result<Shared, StoreError> {
    let address = Address::parse(url, &options.schema)?;
    let thread = IoThread::start().map_err(|error| {
        StoreError::new(
            StoreErrorKind::Unavailable,
            "the thread for the connections cannot be started",
        )
        .with_source(error)
    })?;
    let opening = thread.spawn(async move { prepare(address, &options, purpose).await });
    let prepared = super::store::joined(opening).await??;
    Ok(Shared::new(thread, prepared))
}

/// All that is needed to serve calls.
#[derive(Debug)]
pub(super) struct Prepared {
    pub(super) purpose: Purpose,
    pub(super) address: Address,
    pub(super) work: Pool,
    pub(super) leases: Arc<Pool>,
    pub(super) clock: Arc<DatabaseClock>,
    pub(super) hints: Arc<Hints>,
    pub(super) presence: Arc<Presence>,
    pub(super) heads: Arc<Heads>,
    pub(super) owners: Arc<Owners>,
    /// Sending, listening, looking whether others are there, and keeping the time.
    pub(super) upkeep: Vec<AbortHandle>,
    pub(super) warnings: Vec<String>,
}

async fn prepare(
    address: Address,
    options: &PostgresOptions,
    purpose: Purpose,
) -> Result<Prepared, StoreError> {
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
    match purpose {
        Purpose::Work => schema::prepare(&mut first, &address).await?,
        Purpose::Ask => schema::expect(&mut first, &address).await?,
    }
    let size = u32::try_from(options.connections).unwrap_or(u32::MAX);
    let work = Pool::new(Arc::clone(&connector), size, options.call_timeout);
    let work = work.with_lock_timeout(lock_timeout);
    work.put_back(first);
    let clock = Arc::new(read_clock(&mut second, &address).await?);
    let leases = Arc::new(Pool::new(connector, 1, options.call_timeout));
    leases.put_back(second);
    let hints = Arc::new(Hints::new(&address.schema, purpose, options.notifications));
    let presence = Arc::new(Presence::new(&address.schema));
    let mut upkeep = match options.notifications {
        true => start_hinting(&hints, &presence, &leases, &address, options),
        false => Vec::new(),
    };
    match purpose {
        Purpose::Work if options.notifications => {
            let watching = Arc::clone(&presence).watch(Arc::clone(&hints), Arc::clone(&leases));
            upkeep.push(tokio::spawn(watching).abort_handle());
        }
        Purpose::Work => {}
        Purpose::Ask => {
            let keeping = worker::keep_time(Arc::clone(&clock), Arc::clone(&leases));
            upkeep.push(tokio::spawn(keeping).abort_handle());
        }
    }
    if options.notifications {
        // Workers are registered with the proof of their presence, if it comes in time.
        let _ = timeout(FIRST_LISTEN, hints.has_tried_to_listen()).await;
    }
    Ok(Prepared {
        purpose,
        address,
        work,
        leases,
        clock,
        hints,
        presence,
        heads: Arc::default(),
        owners: Arc::default(),
        upkeep,
        warnings,
    })
}

/// A few readings, of which the best counts.
async fn read_clock(
    connection: &mut PgConnection,
    address: &Address,
) -> Result<DatabaseClock, StoreError> {
    let cannot = |error: sqlx::Error| describe("read the clock", address, error.into());
    let first = worker::time(connection).await.map_err(cannot)?;
    let clock = DatabaseClock::new(first);
    for _ in 0..3 {
        clock.correct(worker::time(connection).await.map_err(cannot)?);
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
    vec![
        tokio::spawn(sending).abort_handle(),
        tokio::spawn(listening).abort_handle(),
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
