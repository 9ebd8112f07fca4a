//! The servers that an address names, of which one takes writes.

use std::{
    fmt, io,
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use sqlx::{ConnectOptions, Executor, PgConnection, Row, postgres::PgConnectOptions};
use tokio::time::timeout;

/// One server or several. Of several, the one that takes writes is looked for in the order of the
/// address, beginning with the last that did.
pub(in crate::store::postgres) struct Servers {
    hosts: Vec<PgConnectOptions>,
    /// Which one answered last.
    current: AtomicUsize,
    connect_timeout: Option<Duration>,
}

impl Servers {
    /// Nothing without a host.
    pub(super) fn new(
        hosts: Vec<PgConnectOptions>,
        connect_timeout: Option<Duration>,
    ) -> Option<Self> {
        (!hosts.is_empty()).then_some(Self {
            hosts,
            current: AtomicUsize::new(0),
            connect_timeout,
        })
    }

    pub(super) fn all(&self) -> &[PgConnectOptions] {
        &self.hosts
    }

    /// The one that answered last; before any has, the first.
    pub(in crate::store::postgres) fn current(&self) -> &PgConnectOptions {
        let current = self.current.load(Ordering::Relaxed);
        &self.hosts[current % self.hosts.len()]
    }

    /// Logs in, at the server that takes writes if there are several. If none does, the connection is to
    /// one that does not, as it would be if it were alone.
    pub(in crate::store::postgres) async fn connect(
        &self,
        call_timeout: Duration,
    ) -> Result<PgConnection, sqlx::Error> {
        if let ([host], None) = (&self.hosts[..], self.connect_timeout) {
            return host.connect().await;
        }
        let count = self.hosts.len();
        // One that is dark leaves time for the others.
        let share = call_timeout / u32::try_from(count).unwrap_or(u32::MAX);
        let patience = self.connect_timeout.unwrap_or(share);
        let start = self.current.load(Ordering::Relaxed);
        let mut otherwise = Err(sqlx::Error::PoolTimedOut);
        for number in (start..start + count).map(|number| number % count) {
            let login = login(&self.hosts[number], count > 1);
            match timeout(patience, login).await {
                Ok(Ok((connection, true))) => {
                    self.current.store(number, Ordering::Relaxed);
                    return Ok(connection);
                }
                Ok(Ok((connection, false))) => otherwise = Ok(connection),
                Ok(Err(error)) => otherwise = otherwise.or(Err(error)),
                Err(_) => {
                    let error = io::Error::new(io::ErrorKind::TimedOut, "no answer in time");
                    otherwise = otherwise.or(Err(error.into()));
                }
            }
        }
        otherwise
    }
}

/// A connection, and whether its server takes writes.
async fn login(host: &PgConnectOptions, ask: bool) -> Result<(PgConnection, bool), sqlx::Error> {
    let mut connection = host.connect().await?;
    if !ask {
        return Ok((connection, true));
    }
    let ask = sqlx::raw_sql("SELECT NOT pg_is_in_recovery()");
    let takes_writes = connection.fetch_one(ask).await?.try_get(0)?;
    Ok((connection, takes_writes))
}

/// The driver's own would show the passwords.
impl fmt::Debug for Servers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hosts = self
            .hosts
            .iter()
            .map(|host| (host.get_host(), host.get_port()));
        f.debug_list().entries(hosts).finish()
    }
}
