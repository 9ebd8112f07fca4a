//! A client of a database alone, where others do the work.

use std::sync::Arc;

use super::{Client, link::Link};
use crate::{
    error::Error,
    limits::Limits,
    registry::Registry,
    store::{Named, Store, StoreError, StoreErrorKind},
};

impl Client {
    /// Connects to a database that engines in other processes work on: for a command line, a web server,
    /// whatever asks and does not work itself. It drives no run, takes none over, and needs none of the
    /// workflows.
    ///
    /// The addresses are those of [`Engine::open`](crate::engine::Engine::open), but for `memory:`, which is
    /// nobody else's. Nothing is created or brought to another version: that an engine does. On PostgreSQL
    /// the role needs fewer rights than a worker's; the error of one that lacks some has the statements that
    /// grant them.
    ///
    /// The last clone, and the last handle of a run, that is dropped closes the connection; on SQLite the
    /// drop waits for that, a second at the most.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Store`](crate::error::ErrorKind::Store), with the
    /// [`store_kind`](Error::store_kind) [`StoreErrorKind::Missing`] when there is no database of this library
    /// at the address, [`StoreErrorKind::OlderSchema`] or [`StoreErrorKind::NewerSchema`] when another version
    /// made it, and those of opening a store.
    /// [`ErrorKind::DuplicateWorkflow`](crate::error::ErrorKind::DuplicateWorkflow) when two of the linked
    /// workflows have one name.
    ///
    /// ```standalone_crate
    /// use durable::{Client, Engine};
    ///
    /// # #[tokio::main]
    /// # async fn main() -> durable::Result<()> {
    /// # let directory = std::env::temp_dir().join(format!("durable-connect-{}", std::process::id()));
    /// # std::fs::create_dir_all(&directory)?;
    /// # let url = format!("sqlite://{}", directory.join("orders.db").display());
    /// # let url = url.as_str();
    /// // One process works on the database. Here `url` is "sqlite://orders.db".
    /// let engine = Engine::open(url).await?;
    /// // Another one asks.
    /// let client = Client::connect(url).await?;
    /// assert!(client.list().next_page().await?.is_empty());
    /// # drop(client);
    /// # engine.shutdown().await?;
    /// # std::fs::remove_dir_all(&directory)?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn connect(url: &str) -> Result<Self, Error> {
        Self::builder().connect(url).await
    }

    /// Connects to a database by a store: one that was opened with options by
    /// [`SqliteStore::connect`](crate::store::SqliteStore::connect) or its like, or one of your own.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::DuplicateWorkflow`](crate::error::ErrorKind::DuplicateWorkflow) when two of the linked
    /// workflows have one name.
    ///
    /// ```standalone_crate
    /// use durable::{Client, Engine, store::MemoryStore};
    ///
    /// # #[tokio::main]
    /// # async fn main() -> durable::Result<()> {
    /// let store = MemoryStore::new();
    /// let engine = Engine::builder().start(store.clone()).await?;
    /// let client = Client::on(store).await?;
    /// assert!(client.list().next_page().await?.is_empty());
    /// # engine.shutdown().await
    /// # }
    /// ```
    pub async fn on(store: impl Store) -> Result<Self, Error> {
        Self::builder().on(store).await
    }

    /// A client with settings.
    pub fn builder() -> ClientBuilder {
        ClientBuilder::default()
    }
}

/// Settings of a [`Client`] that has a database and no engine.
///
/// ```standalone_crate
/// use durable::{Client, ErrorKind, Limits, graph::Registry, store::MemoryStore};
///
/// # #[tokio::main]
/// # async fn main() -> durable::Result<()> {
/// let mut limits = Limits::default();
/// limits.payload_bytes_max = 8;
/// // Knows no workflow, so any is taken as it is. `connect` takes an address.
/// let builder = Client::builder().limits(limits).registry(Registry::default());
/// let client = builder.on(MemoryStore::new()).await?;
/// let refused = client.start_by_name("order", "order-1", r#""much too long""#).await;
/// assert_eq!(refused.err().map(|error| error.kind()), Some(ErrorKind::PayloadTooLarge));
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Default)]
#[must_use = "a client is made by `connect` or `on`"]
pub struct ClientBuilder {
    limits: Limits,
    registry: Option<Registry>,
}

impl ClientBuilder {
    /// The bounds to keep: those of the engines, if theirs are other than the defaults. A client goes by
    /// [`payload_bytes_max`](Limits::payload_bytes_max) and [`mailbox_max`](Limits::mailbox_max).
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits.bounded();
        self
    }

    /// The workflows whose inputs and signals are checked before they are sent; every linked one if not
    /// set. Any other is taken as it is.
    pub fn registry(mut self, registry: Registry) -> Self {
        self.registry = Some(registry);
        self
    }

    /// Connects to a database; see [`Client::connect`].
    ///
    /// # Errors
    ///
    /// As [`Client::connect`].
    pub async fn connect(self, url: &str) -> Result<Client, Error> {
        match Named::by(url)? {
            Named::Memory => Err(StoreError::new(
                StoreErrorKind::Missing,
                "a database in memory is known to its engine alone: use `Engine::client`, or `Client::on` with \
                 a clone of the engine's `MemoryStore`",
            )
            .into()),
            #[cfg(feature = "postgres")]
            Named::Postgres(_) => {
                let store = crate::store::PostgresStore::connect(url).await?;
                self.on(store).await
            }
            #[cfg(not(feature = "postgres"))]
            Named::Postgres(_) => Err(StoreError::not_built("PostgreSQL", "postgres").into()),
            #[cfg(feature = "sqlite")]
            Named::Sqlite(_) => {
                let store = crate::store::SqliteStore::connect(url).await?;
                self.on(store).await
            }
            #[cfg(not(feature = "sqlite"))]
            Named::Sqlite(_) => Err(StoreError::not_built("SQLite", "sqlite").into()),
        }
    }

    /// Connects to a database by a store; see [`Client::on`].
    ///
    /// # Errors
    ///
    /// As [`Client::on`].
    pub async fn on(self, store: impl Store) -> Result<Client, Error> {
        let registry = match self.registry {
            Some(registry) => registry,
            None => Registry::linked()?,
        };
        let link = Link::to_database(Arc::new(store), registry, self.limits)?;
        Ok(Client::new(link))
    }
}
