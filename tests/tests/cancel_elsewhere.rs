//! A step is told that its run was canceled by a process other than the one that drives it.

use std::time::Duration;

use durable::{
    EngineBuilder, ErrorKind, Result,
    prelude::*,
    store::{PostgresOptions, PostgresStore},
};
use durable_tests::{TempDir, needs, server::Database, soon};

/// It ends only when it is told to.
#[durable::workflow]
async fn until_told(ctx: &Ctx) -> Result<()> {
    ctx.step("listen", |step| async move {
        step.state::<Told>().tell("begun");
        step.canceled().await;
        step.state::<Told>().tell("canceled");
        Ok::<_, Failure>(())
    })
    .await?;
    Ok(())
}

/// What the step says.
#[derive(Debug, Clone)]
struct Told(tokio::sync::watch::Sender<&'static str>);

impl Told {
    fn tell(&self, what: &'static str) {
        self.0.send_replace(what);
    }

    async fn hear(&self, what: &str) -> Result<()> {
        self.0.subscribe().wait_for(|said| *said == what).await?;
        Ok(())
    }
}

async fn canceled_by_another(
    builder: impl Fn() -> EngineBuilder,
    open: impl AsyncFn(EngineBuilder) -> Result<Engine>,
) -> Result<()> {
    let told = Told(tokio::sync::watch::Sender::new("nothing"));
    let driver = open(builder().state(told.clone())).await?;
    let other = open(builder().state(told.clone())).await?;
    let run = driver.client().start::<until_told>("run", ()).await?;
    soon(told.hear("begun")).await??;
    other.client().cancel("run").await?;
    soon(told.hear("canceled")).await??;
    let error = soon(run.result()).await?.err();
    assert_eq!(error.map(|error| error.kind()), Some(ErrorKind::Canceled));
    driver.shutdown().await?;
    other.shutdown().await
}

/// Renews its lease, and looks for mail, every 100 ms.
fn looks_often() -> EngineBuilder {
    Engine::builder().lease(Duration::from_millis(300))
}

#[tokio::test]
async fn on_sqlite() -> Result<()> {
    let folder = TempDir::new("cancel")?;
    let path = folder.path().join("runs.db").to_string_lossy().into_owned();
    canceled_by_another(looks_often, async |builder| Ok(builder.open(&path).await?)).await
}

#[tokio::test]
async fn on_postgresql_by_a_hint() -> Result<()> {
    needs!(Database);
    let database = Database::shared().await?;
    let looks_never = || Engine::builder().lease(Duration::from_secs(3_600));
    let open = async |builder: EngineBuilder| Ok(builder.open(database.url()).await?);
    canceled_by_another(looks_never, open).await
}

#[tokio::test]
async fn on_postgresql_without_hints() -> Result<()> {
    needs!(Database);
    let database = Database::shared().await?;
    let open = async |builder: EngineBuilder| {
        let options = PostgresOptions::default().notifications(false);
        let store = PostgresStore::open_with(database.url(), options).await?;
        Ok(builder.start(store).await?)
    };
    canceled_by_another(looks_often, open).await
}
