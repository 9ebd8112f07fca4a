//! The PostgreSQL store, each case in a schema of its own.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use durable_runtime::{
    failure::BoxError,
    status::{Status, TRANSITIONS},
    store::{PostgresOptions, PostgresStore, Store},
    testing::conformance::{Backend, BackendFuture, Damage, Database},
};
use durable_tests::{
    needs::{Need, is_skipped},
    server,
};
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};
use tokio::sync::OnceCell;

static SERVER: OnceCell<server::Database> = OnceCell::const_new();
static NEXT: AtomicU32 = AtomicU32::new(0);

/// A way to open the store.
#[derive(Debug)]
struct Postgres {
    connections: usize,
    notifications: bool,
}

const POSTGRES: Postgres = Postgres {
    connections: 4,
    notifications: true,
};
const POOL_OF_ONE: Postgres = Postgres {
    connections: 1,
    notifications: true,
};
const QUIET: Postgres = Postgres {
    connections: 4,
    notifications: false,
};

impl Backend for Postgres {
    fn create(&self) -> BackendFuture<'_, Arc<dyn Database>> {
        Box::pin(async {
            let server = SERVER.get_or_try_init(server::Database::shared).await?;
            let number = NEXT.fetch_add(1, Ordering::Relaxed);
            let options = PostgresOptions::default()
                .connections(self.connections)
                .notifications(self.notifications);
            let schema = format!("conformance_{number}");
            Ok(Arc::new(PostgresDatabase {
                url: server.url().to_owned(),
                options: options.schema(schema.as_str()),
                schema,
            }) as Arc<dyn Database>)
        })
    }

    fn is_here(&self, case: &str) -> bool {
        !is_skipped(&format!("{case} on {self:?}"), &[Need::Database])
    }
}

#[derive(Debug)]
struct PostgresDatabase {
    url: String,
    options: PostgresOptions,
    schema: String,
}

impl PostgresDatabase {
    async fn execute(&self, sql: String) -> Result<(), BoxError> {
        let mut connection = PgConnection::connect(&self.url).await?;
        connection.execute(AssertSqlSafe(sql)).await?;
        Ok(connection.close().await?)
    }
}

impl Database for PostgresDatabase {
    fn open(&self) -> BackendFuture<'_, Arc<dyn Store>> {
        Box::pin(async move {
            let store = PostgresStore::open_with(&self.url, self.options.clone()).await?;
            self.execute(guard_statuses(&self.schema)).await?;
            Ok(Arc::new(store) as Arc<dyn Store>)
        })
    }

    fn damage(&self, damage: Damage) -> BackendFuture<'_, bool> {
        Box::pin(async move {
            let Some(sql) = statement(damage, &self.schema) else {
                return Ok(false);
            };
            self.execute(sql).await?;
            Ok(true)
        })
    }

    fn remove(&self) -> BackendFuture<'_, ()> {
        let sql = format!("DROP SCHEMA {} CASCADE", self.schema);
        Box::pin(self.execute(sql))
    }
}

/// Has the database refuse every change of status that is not one of [`TRANSITIONS`].
fn guard_statuses(schema: &str) -> String {
    let changes = TRANSITIONS.iter().flat_map(|transition| {
        let from = transition.from.iter();
        from.map(|from| format!("({},{})", from.code(), transition.to.code()))
    });
    let changes = changes.collect::<Vec<_>>().join(",");
    format!(
        "CREATE OR REPLACE FUNCTION {schema}.refuse_status() RETURNS trigger LANGUAGE plpgsql AS \
         $$ BEGIN RAISE 'a change of status from % to %', OLD.status, NEW.status; END $$; \
         CREATE OR REPLACE TRIGGER statuses BEFORE UPDATE OF status ON {schema}.runs FOR EACH ROW \
         WHEN (greatest(OLD.status, NEW.status) < {} AND OLD.status <> NEW.status \
         AND (OLD.status, NEW.status) NOT IN ({changes})) \
         EXECUTE FUNCTION {schema}.refuse_status()",
        Status::ALL.len()
    )
}

fn statement(damage: Damage, schema: &str) -> Option<String> {
    Some(match damage {
        Damage::RemoveEvent { run, position } => format!(
            "DELETE FROM {schema}.journal WHERE run = {} AND position = {position}",
            run.get()
        ),
        Damage::UnknownEvent { run, position } => format!(
            "UPDATE {schema}.journal SET kind = 9999 WHERE run = {} AND position = {position}",
            run.get()
        ),
        Damage::UnknownMail { run } => format!(
            "UPDATE {schema}.mailbox SET kind = 9999 WHERE run = {}",
            run.get()
        ),
        Damage::UnknownStatus { run } => format!(
            "UPDATE {schema}.runs SET status = 9999 WHERE run = {}",
            run.get()
        ),
        Damage::DeleteRun { run } => format!("DELETE FROM {schema}.runs WHERE run = {}", run.get()),
        Damage::ForeignEvent { run } => format!(
            "INSERT INTO {schema}.journal (run, position, kind, data, at) VALUES ({}, 0, 17, '\\x31', 1)",
            run.get()
        ),
        _ => return None,
    })
}

mod direct {
    use super::POSTGRES;
    durable_runtime::conformance_tests!(store, POSTGRES);
}

mod pool_of_one {
    use super::POOL_OF_ONE;
    durable_runtime::conformance_tests!(store, POOL_OF_ONE);
}

mod quiet {
    use super::QUIET;
    durable_runtime::conformance_tests!(store, QUIET);
}
