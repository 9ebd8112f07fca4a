//! Databases on a server, one for each test.

use std::{
    process,
    sync::{
        OnceLock,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use durable::Result;
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};

use super::Server;

static SHARED: OnceLock<Result<Home, String>> = OnceLock::new();
/// The variable with the address of a running server.
const NAMED: &str = "DURABLE_TEST_POSTGRES_URL";
static NEXT: AtomicU32 = AtomicU32::new(0);

/// Where the databases are that only want a server, whichever.
#[derive(Debug)]
enum Home {
    Named(String),
    Private(Server),
}

/// An empty database for one test.
#[derive(Debug)]
pub struct Database {
    url: String,
    /// What removes it from a server that outlives us.
    _remover: Option<Remover>,
}

/// Removes a database when it is dropped.
#[derive(Debug)]
struct Remover {
    server: String,
    name: String,
}

impl Database {
    /// Whether [`Self::shared`] has a server.
    pub(crate) fn available() -> Result<()> {
        match std::env::var_os(NAMED) {
            Some(_) => Ok(()),
            None => Server::available()
                .map_err(|error| format!("{error}; or name a running server with {NAMED}").into()),
        }
    }

    /// A new database on the server that `DURABLE_TEST_POSTGRES_URL` names, or else on a private one
    /// that all tests of this process share.
    ///
    /// # Errors
    ///
    /// When there is neither, or the server refuses.
    pub async fn shared() -> Result<Self> {
        let home = SHARED.get_or_init(|| match std::env::var(NAMED) {
            Ok(url) => Ok(Home::Named(url)),
            Err(_) => Server::start()
                .map(Home::Private)
                .map_err(|error| error.to_string()),
        });
        match home.as_ref().map_err(String::as_str)? {
            Home::Named(url) => Self::beside(url).await,
            Home::Private(server) => Self::on(server).await,
        }
    }

    /// Makes an empty database on the server of another one, for as long as this value lives.
    ///
    /// # Errors
    ///
    /// When the server refuses.
    pub async fn beside(url: &str) -> Result<Self> {
        let (name, new) = Self::create(url).await?;
        let remover = Remover {
            server: url.to_owned(),
            name,
        };
        Ok(Self {
            url: new,
            _remover: Some(remover),
        })
    }

    /// A new database on a server that takes it along.
    pub(super) async fn on(server: &Server) -> Result<Self> {
        let (_, url) = Self::create(&server.url()).await?;
        Ok(Self {
            url,
            _remover: None,
        })
    }

    /// Gives the new database's name and address.
    async fn create(url: &str) -> Result<(String, String)> {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("durable_test_{}_{number}", process::id());
        let mut connection = PgConnection::connect(url).await?;
        // On a server that outlives us, a process with our id may have died here before.
        for sql in ["DROP DATABASE IF EXISTS", "CREATE DATABASE"] {
            let sql = format!("{sql} {name}");
            connection.execute(AssertSqlSafe(sql)).await?;
        }
        connection.close().await?;
        let new = sibling(url, &name);
        Ok((name, new))
    }

    /// Its address.
    pub fn url(&self) -> &str {
        &self.url
    }
}

impl Drop for Remover {
    fn drop(&mut self) {
        let remove = async || {
            let mut connection = PgConnection::connect(&self.server).await?;
            let sql = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name);
            connection.execute(AssertSqlSafe(sql)).await?;
            connection.close().await
        };
        // In a thread, because a runtime may be at work in this one. What it could not remove, the next
        // test of that name does.
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let runtime = tokio::runtime::Builder::new_current_thread()
                    .enable_all()
                    .build();
                runtime.map(|runtime| runtime.block_on(remove()))
            });
        });
    }
}

/// The address of another database on the same server.
fn sibling(url: &str, name: &str) -> String {
    let (address, options) = url.split_once('?').unwrap_or((url, ""));
    let server = match address.split_once("://") {
        Some((scheme, rest)) => format!(
            "{scheme}://{}",
            rest.split_once('/').map_or(rest, |(server, _)| server)
        ),
        None => address.to_owned(),
    };
    let mark = if options.is_empty() { "" } else { "?" };
    format!("{server}/{name}{mark}{options}")
}

/// Makes the server wait for its standby at each commit, and waits until it does.
pub(super) async fn make_synchronous(url: &str) -> Result<()> {
    let mut connection = PgConnection::connect(url).await?;
    connection
        .execute("ALTER SYSTEM SET synchronous_standby_names = '*'")
        .await?;
    connection.execute("SELECT pg_reload_conf()").await?;
    let deadline = Instant::now() + super::PATIENCE;
    loop {
        let state: Option<String> =
            sqlx::query_scalar("SELECT max(sync_state) FROM pg_stat_replication")
                .fetch_one(&mut connection)
                .await?;
        match state.as_deref() {
            Some("sync") => return Ok(connection.close().await?),
            _ if Instant::now() < deadline => tokio::time::sleep(Duration::from_millis(10)).await,
            state => return Err(format!("the standby does not stream: {state:?}").into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_beside_another_keeps_server_and_options() {
        for (url, expected) in [
            ("postgres://u:p@h:1/a", "postgres://u:p@h:1/b"),
            ("postgres://h", "postgres://h/b"),
            (
                "postgres://h/a?sslmode=require",
                "postgres://h/b?sslmode=require",
            ),
            ("postgres:///a?host=/run", "postgres:///b?host=/run"),
        ] {
            assert_eq!(sibling(url, "b"), expected);
        }
    }
}
