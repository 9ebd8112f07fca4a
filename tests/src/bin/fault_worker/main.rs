//! A worker process of the fault tests: drives whatever runs the database has, starts runs of its
//! own, and writes down what it is told. It works until its standard input closes.

#![expect(
    unreachable_pub,
    reason = "in a program, `pub` says what other modules use"
)]

mod driver;
mod workflows;

use std::time::Duration;

use durable::{
    Engine, ErrorKind, Limits,
    store::{PostgresOptions, PostgresStore},
};
use durable_tests::{history::Folder, workload::Orders};
use tokio::io::AsyncReadExt;

use driver::Driver;
use workflows::Lab;

#[tokio::main(worker_threads = 2)]
async fn main() -> durable::Result<()> {
    tracing_subscriber::fmt()
        .with_ansi(false)
        .with_writer(std::io::stderr)
        .init();
    let orders = std::env::args().nth(1).ok_or("the orders are missing")?;
    let orders: Orders = serde_json::from_str(&orders)?;
    let engine = open(&orders).await?;
    tracing::info!("ready");
    Driver::start(&engine, &orders)?;
    tokio::io::stdin().read_to_end(&mut Vec::new()).await?;
    engine.shutdown().await
}

/// Tries until it succeeds, as whoever supervises a real process does.
async fn open(orders: &Orders) -> durable::Result<Engine> {
    loop {
        match try_open(orders).await {
            Err(error) if error.kind() == ErrorKind::Store => {
                tracing::warn!(%error, "the engine does not start");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
            result => return Ok(result?),
        }
    }
}

async fn try_open(orders: &Orders) -> Result<Engine, durable::Error> {
    let mut builder = Engine::builder().state(Lab {
        folder: Folder::new(&orders.folder),
        life: orders.life.clone(),
    });
    let tuning = orders.tuning;
    if let Some(lease) = tuning.lease {
        builder = builder.lease(Duration::from_millis(lease));
    }
    if let Some(linger) = tuning.linger {
        builder = builder.linger(Duration::from_millis(linger));
    }
    if let Some(grace) = tuning.shutdown_grace {
        builder = builder.shutdown_grace(Duration::from_millis(grace));
    }
    if let Some(deaths) = tuning.worker_deaths_max {
        let mut limits = Limits::default();
        limits.worker_deaths_max = deaths;
        builder = builder.limits(limits);
    }
    match tuning.call_timeout {
        Some(timeout) if orders.url.starts_with("postgres://") => {
            let timeout = Duration::from_millis(timeout);
            let options = PostgresOptions::default().call_timeout(timeout);
            let store = PostgresStore::open_with(&orders.url, options).await?;
            builder.start(store).await
        }
        _ => builder.open(&orders.url).await,
    }
}
