//! Rights are looked at before any run is touched, and what an error asks for is enough.

use durable::{
    Result,
    store::{NewWorker, PostgresOptions, PostgresStore, Store, StoreError, StoreErrorKind},
};
use durable_tests::{needs, server::Server};
use sqlx::{AssertSqlSafe, Connection, PgConnection};

use crate::support::{as_user, count, execute, later, refusal, signal, start};

/// A server whose database has the schema with a run in it, and a role without any right on it.
struct Guarded {
    server: Server,
    weak: String,
}

impl Guarded {
    async fn start() -> Result<Self> {
        let server = Server::start()?;
        let url = server.url();
        execute(&url, "CREATE ROLE \"We\"\"ak\" LOGIN").await?;
        let store = PostgresStore::open(&url).await?;
        let worker = store.register_worker(NewWorker::until(later(60))).await?;
        start(&store, "before", worker).await?;
        store.close().await?;
        let weak = as_user(&url, "We%22ak");
        Ok(Self { server, weak })
    }

    async fn execute(&self, sql: &str) -> Result<()> {
        execute(&self.server.url(), sql).await
    }

    /// Opening as the role must be refused, and touch nothing.
    async fn is_refused(&self) -> Result<StoreError> {
        let state = "SELECT coalesce(sum(xmin::TEXT::BIGINT), 0)::BIGINT + (SELECT count(*) FROM \
                     durable.workers) FROM durable.runs";
        let before = count(&self.server.url(), state).await?;
        let error = refusal(&self.weak, PostgresOptions::default()).await?;
        assert_eq!(error.kind(), StoreErrorKind::Denied, "{error}");
        assert_eq!(count(&self.server.url(), state).await?, before, "{error}");
        Ok(error)
    }

    /// Executes exactly what an error asks for.
    async fn grant(&self, error: &StoreError) -> Result<Vec<String>> {
        let text = error.to_string();
        let quoted = text.split('`').skip(1).step_by(2);
        let statements =
            quoted.filter(|text| ["GRANT", "ALTER"].iter().any(|w| text.starts_with(w)));
        let statements: Vec<_> = statements.map(str::to_owned).collect();
        assert!(!statements.is_empty(), "{error}");
        for statement in &statements {
            self.execute(statement).await?;
        }
        Ok(statements)
    }

    /// All that a worker does, as the role.
    async fn works(&self, run: &str) -> Result<()> {
        let store = PostgresStore::open(&self.weak).await?;
        let worker = store.register_worker(NewWorker::until(later(60))).await?;
        let run = start(&store, run, worker).await?;
        store.commit(&signal(run)).await?;
        store.retire_worker(worker).await?;
        Ok(store.close().await?)
    }

    async fn texts(&self, sql: &str) -> Result<Vec<String>> {
        let mut connection = PgConnection::connect(&self.server.url()).await?;
        let texts = sqlx::query_scalar(AssertSqlSafe(sql))
            .fetch_all(&mut connection)
            .await?;
        connection.close().await?;
        Ok(texts)
    }
}

/// Every right on everything in the schema, and whether a worker needs it. Versions are read only; what
/// a trigger calls needs no right.
const RIGHTS: &str = "
    SELECT format('%s ON TABLE durable.%I', needs, relname), \
        relname <> 'durable_versions' OR needs = 'SELECT'
    FROM pg_class, unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']) AS needs
    WHERE relnamespace = 'durable'::regnamespace AND relkind = 'r'
    UNION ALL
    SELECT format('USAGE ON SEQUENCE durable.%I', relname), TRUE FROM pg_class
    WHERE relnamespace = 'durable'::regnamespace AND relkind = 'S'
    UNION ALL
    SELECT format('EXECUTE ON FUNCTION %s', oid::regprocedure), prorettype <> 'trigger'::regtype
    FROM pg_proc WHERE pronamespace = 'durable'::regnamespace
    UNION ALL
    SELECT 'USAGE ON SCHEMA durable', TRUE";

#[tokio::test]
async fn each_right_that_is_taken_away_is_missed_and_can_be_given_back() -> Result<()> {
    needs!(Server);
    let guarded = Guarded::start().await?;
    // As where nobody may anything by being anybody.
    guarded
        .execute("REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA durable FROM PUBLIC")
        .await?;
    // All in one error.
    let error = guarded.is_refused().await?;
    assert_eq!(guarded.grant(&error).await?.len(), 4, "{error}");
    guarded.works("all").await?;
    let rights = guarded
        .texts(&format!("SELECT r || ' ' || n FROM ({RIGHTS}) AS r (r, n)"))
        .await?;
    assert!(rights.len() > 25, "{rights:?}");
    for right in rights {
        let (right, needed) = right.rsplit_once(' ').unwrap_or_default();
        guarded
            .execute(&format!("REVOKE {right} FROM \"We\"\"ak\""))
            .await?;
        if needed == "true" {
            let error = guarded.is_refused().await?;
            assert_eq!(guarded.grant(&error).await?.len(), 1, "{right}: {error}");
        }
        guarded.works(right).await?;
    }
    Ok(())
}

#[tokio::test]
async fn rows_that_may_be_hidden_are_refused() -> Result<()> {
    needs!(Server);
    let guarded = Guarded::start().await?;
    let error = guarded.is_refused().await?;
    guarded.grant(&error).await?;
    let tables = "SELECT relname::TEXT FROM pg_class \
                  WHERE relnamespace = 'durable'::regnamespace AND relkind = 'r'";
    for table in guarded.texts(tables).await? {
        let enable = format!("ALTER TABLE durable.{table} ENABLE ROW LEVEL SECURITY");
        guarded.execute(&enable).await?;
        let error = guarded.is_refused().await?;
        assert!(error.to_string().contains(&format!("`{table}`")), "{error}");
        // Its owner sees all rows.
        PostgresStore::open(&guarded.server.url())
            .await?
            .close()
            .await?;
        assert_eq!(guarded.grant(&error).await?.len(), 1, "{error}");
        guarded.works(&table).await?;
    }
    Ok(())
}

#[tokio::test]
async fn who_may_not_make_the_schema_is_told_what_it_takes() -> Result<()> {
    needs!(Server);
    let server = Server::start()?;
    let url = server.url();
    execute(
        &url,
        "CREATE ROLE weak LOGIN; REVOKE CONNECT ON DATABASE postgres FROM PUBLIC",
    )
    .await?;
    let guarded = Guarded {
        weak: as_user(&url, "weak"),
        server,
    };
    for (right, before) in [
        ("CONNECT ON DATABASE", ""),
        ("CREATE ON DATABASE", ""),
        (
            "USAGE, CREATE ON SCHEMA",
            "DROP SCHEMA durable CASCADE; CREATE SCHEMA durable",
        ),
    ] {
        guarded.execute(before).await?;
        let error = refusal(&guarded.weak, PostgresOptions::default()).await?;
        assert_eq!(error.kind(), StoreErrorKind::Denied, "{error}");
        assert!(
            error.to_string().contains(&format!("GRANT {right}")),
            "{error}"
        );
        guarded.grant(&error).await?;
        if right != "CONNECT ON DATABASE" {
            guarded.works("run").await?;
        }
    }
    Ok(())
}

#[tokio::test]
async fn an_older_schema_is_changed_by_its_owner_alone() -> Result<()> {
    needs!(Server);
    let guarded = Guarded::start().await?;
    let error = guarded.is_refused().await?;
    guarded.grant(&error).await?;
    guarded
        .execute(
            "GRANT CREATE ON SCHEMA durable TO \"We\"\"ak\"; DELETE FROM durable.durable_versions \
             WHERE version = (SELECT max(version) FROM durable.durable_versions)",
        )
        .await?;
    let error = guarded.is_refused().await?;
    assert!(
        error.to_string().contains("open it once as `durable`"),
        "{error}"
    );
    Ok(())
}

#[tokio::test]
async fn a_schema_that_lacks_a_part_is_refused() -> Result<()> {
    needs!(Server);
    let guarded = Guarded::start().await?;
    let url = guarded.server.url();
    for part in ["TABLE durable.mailbox", "SEQUENCE durable.mail_numbers"] {
        guarded.execute(&format!("DROP {part} CASCADE")).await?;
        let error = refusal(&url, PostgresOptions::default()).await?;
        assert_eq!(error.kind(), StoreErrorKind::Corrupt, "{error}");
        assert!(error.to_string().contains("is missing"), "{error}");
    }
    Ok(())
}
