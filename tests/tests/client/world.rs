//! What these tests share: the same database for an engine and for clients that know no workflow.

use std::{collections::BTreeSet, time::Duration};

use durable::{
    Client, ClientBuilder, Engine, EngineBuilder, Result,
    graph::Registry,
    prelude::*,
    store::{MemoryStore, PostgresStore, SqliteStore, Store},
    testing::{FaultyStore, StoreCall},
};
use durable_tests::{TempDir, server::Database};
use sqlx::{Connection, PgConnection, SqliteConnection};

/// Weighs a parcel, and waits until somebody says how many stamps are on it.
#[durable::workflow]
pub(crate) async fn post(ctx: &Ctx, grams: u32) -> Result<u32> {
    let weight = ctx
        .step("weigh", |_| async move { Ok::<_, String>(grams) })
        .await?;
    Ok(weight * ctx.signal::<u32>("stamps").await?)
}

/// Waits for so many letters, and gives them in the order in which they came.
#[durable::workflow]
pub(crate) async fn letters(ctx: &Ctx, count: usize) -> Result<Vec<u32>> {
    let mut all = Vec::new();
    while all.len() < count {
        all.push(ctx.signal::<u32>("letter").await?);
    }
    Ok(all)
}

/// Starts two posts, and waits for what they come to.
#[durable::workflow]
pub(crate) async fn office(ctx: &Ctx) -> Result<u32> {
    let (one, other) =
        durable::try_join!(ctx.child::<post>("one", 1), ctx.child::<post>("other", 2))?;
    Ok(one + other)
}

/// A database that an engine has made.
pub(crate) struct World(Place);

enum Place {
    Memory(MemoryStore),
    Sqlite(TempDir),
    Postgres(Database),
}

/// The calls that only workers make.
const OF_WORKERS: [StoreCall; 9] = [
    StoreCall::Claim,
    StoreCall::ClaimParked,
    StoreCall::RegisterWorker,
    StoreCall::RenewLease,
    StoreCall::ReleaseStrays,
    StoreCall::RetireWorker,
    StoreCall::Reap,
    StoreCall::Owned,
    StoreCall::Unread,
];

impl World {
    pub(crate) async fn memory() -> Result<Self> {
        Ok(Self(Place::Memory(MemoryStore::new())))
    }

    pub(crate) async fn sqlite() -> Result<Self> {
        let world = Self(Place::Sqlite(TempDir::new("client")?));
        SqliteStore::open(&world.address()).await?.close().await?;
        Ok(world)
    }

    pub(crate) async fn postgres() -> Result<Self> {
        let world = Self(Place::Postgres(Database::shared().await?));
        PostgresStore::open(&world.address()).await?.close().await?;
        Ok(world)
    }

    /// Where it is; nothing for the one in memory.
    pub(crate) fn address(&self) -> String {
        match &self.0 {
            Place::Memory(_) => String::new(),
            Place::Sqlite(folder) => folder.path().join("runs.db").to_string_lossy().into_owned(),
            Place::Postgres(database) => database.url().to_owned(),
        }
    }

    /// An engine with every workflow of this program, as it runs elsewhere.
    pub(crate) async fn engine(&self) -> Result<Engine> {
        // Whoever is killed is missed soon.
        let builder = Engine::builder().lease(Duration::from_millis(300));
        self.engine_of(builder).await
    }

    pub(crate) async fn engine_of(&self, builder: EngineBuilder) -> Result<Engine> {
        Ok(match &self.0 {
            Place::Memory(store) => builder.start(store.clone()).await?,
            _ => builder.open(&self.address()).await?,
        })
    }

    /// A client that knows no workflow.
    pub(crate) async fn client(&self) -> Result<Client> {
        self.client_of(knowing_nothing()).await
    }

    pub(crate) async fn client_of(&self, builder: ClientBuilder) -> Result<Client> {
        Ok(match &self.0 {
            Place::Memory(store) => builder.on(store.clone()).await?,
            _ => builder.connect(&self.address()).await?,
        })
    }

    /// A client that knows no workflow, and the store it asks.
    pub(crate) async fn faulty(
        &self,
        faults: impl FnOnce(FaultyStore) -> FaultyStore,
    ) -> Result<(Client, FaultyStore)> {
        let store = match &self.0 {
            Place::Memory(store) => FaultyStore::new(store.clone()),
            Place::Sqlite(_) => FaultyStore::new(SqliteStore::connect(&self.address()).await?),
            Place::Postgres(_) => FaultyStore::new(PostgresStore::connect(&self.address()).await?),
        };
        let store = faults(store);
        Ok((knowing_nothing().on(store.clone()).await?, store))
    }

    /// What a query of the tables says, as one number; `None` in memory, which has none.
    pub(crate) async fn count(&self, sql: &str) -> Result<Option<i64>> {
        let sql = sqlx::AssertSqlSafe(sql);
        Ok(Some(match &self.0 {
            Place::Memory(_) => return Ok(None),
            Place::Sqlite(_) => {
                let url = format!("sqlite://{}", self.address());
                let mut shell = SqliteConnection::connect(&url).await?;
                let count = sqlx::query_scalar(sql).fetch_one(&mut shell).await?;
                shell.close().await?;
                count
            }
            Place::Postgres(database) => {
                let mut shell = PgConnection::connect(database.url()).await?;
                sqlx::query("SET search_path TO durable")
                    .execute(&mut shell)
                    .await?;
                let count = sqlx::query_scalar(sql).fetch_one(&mut shell).await?;
                shell.close().await?;
                count
            }
        }))
    }
}

pub(crate) fn knowing_nothing() -> ClientBuilder {
    Client::builder().registry(Registry::default())
}

/// A client must not have done what only workers do.
pub(crate) fn assert_no_work(store: &FaultyStore) {
    let done: BTreeSet<_> = OF_WORKERS
        .into_iter()
        .filter(|call| store.calls(*call) > 0)
        .collect();
    assert!(done.is_empty(), "{done:?}");
}

/// The same test on every kind of database.
macro_rules! on_each {
    ($($name:ident),* $(,)?) => {
        mod memory {
            $(
                #[tokio::test]
                async fn $name() -> durable::Result<()> {
                    super::$name($crate::world::World::memory().await?).await
                }
            )*
        }

        mod sqlite {
            $(
                #[tokio::test]
                async fn $name() -> durable::Result<()> {
                    super::$name($crate::world::World::sqlite().await?).await
                }
            )*
        }

        #[cfg(unix)]
        mod postgres {
            $(
                #[tokio::test]
                async fn $name() -> durable::Result<()> {
                    durable_tests::needs!(Database);
                    super::$name($crate::world::World::postgres().await?).await
                }
            )*
        }
    };
}
pub(crate) use on_each;
