//! Opening: the thread, the connections, what the server is, and the schema.

use std::sync::Arc;

use sqlx::PgConnection;
use tokio::time::timeout;

use super::{
    PostgresOptions,
    address::Address,
    connect::Connector,
    error::{Fault, describe},
    pool::Pool,
    schema, server,
    store::Shared,
    thread::IoThread,
};
use crate::store::{StoreError, StoreErrorKind};

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
    pub(super) leases: Pool,
    pub(super) warnings: Vec<String>,
}

async fn prepare(address: Address, options: &PostgresOptions) -> Result<Prepared, StoreError> {
    let connector = Arc::new(Connector::new(&address, options));
    let mut first = login(&connector, &address, options).await?;
    let mut second = login(&connector, &address, options).await?;
    // Only then can the answers be trusted.
    server::refuse_pooler(&mut first, &mut second, &address).await?;
    let mut warnings = server::inspect(&mut first, &address).await?;
    warnings.extend(address.weak_encryption());
    for warning in &warnings {
        tracing::warn!("{warning}");
    }
    schema::prepare(&mut first, &address).await?;
    let size = u32::try_from(options.connections).unwrap_or(u32::MAX);
    let work = Pool::new(Arc::clone(&connector), size, options.call_timeout);
    work.put_back(first);
    let leases = Pool::new(connector, 1, options.call_timeout);
    leases.put_back(second);
    Ok(Prepared {
        address,
        work,
        leases,
        warnings,
    })
}

async fn login(
    connector: &Connector,
    address: &Address,
    options: &PostgresOptions,
) -> Result<PgConnection, StoreError> {
    let connected = timeout(options.call_timeout, connector.connect()).await;
    let connected = match connected {
        Ok(connected) => connected.map_err(Fault::from),
        Err(_) => Err(Fault::Timeout(options.call_timeout)),
    };
    connected.map_err(|fault| describe("log in to the server", address, fault))
}
