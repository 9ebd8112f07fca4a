//! Addresses with several hosts, and hosts that do not answer.

use std::{net::TcpListener, time::Duration};

use durable::{
    Result,
    store::{NewWorker, PostgresOptions, PostgresStore, Store, StoreErrorKind},
};
use durable_tests::{needs, server::Server, soon};

use crate::support::{PATIENCE, later, refusal, start};

/// The address of several servers.
pub(crate) fn url(ports: &[u16], parameters: &str) -> String {
    let hosts = ports.iter().map(|port| format!("127.0.0.1:{port}"));
    let hosts = hosts.collect::<Vec<_>>().join(",");
    format!("postgres://durable@{hosts}/postgres?{parameters}")
}

/// A machine that takes connections and never says a word.
fn dark() -> Result<(TcpListener, u16)> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let port = listener.local_addr()?.port();
    Ok((listener, port))
}

#[tokio::test]
async fn of_several_hosts_the_one_that_takes_writes_is_used_also_after_a_failover() -> Result<()> {
    needs!(Server);
    let primary = Server::start()?;
    let standby = primary.synchronous_standby().await?;
    let nobody = 1;
    let ports = [nobody, standby.port(), primary.port()];
    let store = PostgresStore::open(&url(&ports, "target_session_attrs=read-write")).await?;
    let worker = store.register_worker(NewWorker::until(later(60))).await?;
    let run = start(&store, "a", worker).await?;
    assert!(
        soon(store.hint()).await?.missed,
        "the first that it listens"
    );
    primary.kill_9()?;
    standby.promote()?;
    let deadline = tokio::time::Instant::now() + PATIENCE;
    while let Err(error) = start(&store, "b", worker).await {
        assert!(tokio::time::Instant::now() < deadline, "{error}");
    }
    assert!(store.read(run).await?.is_some(), "the start is lost");
    assert!(soon(store.hint()).await?.missed, "the listener follows");
    Ok(store.close().await?)
}

#[tokio::test]
async fn hosts_of_which_none_takes_writes_are_refused() -> Result<()> {
    needs!(Server);
    let primary = Server::start()?;
    let standby = primary.synchronous_standby().await?;
    let url = url(&[standby.port(), 1], "");
    let error = refusal(&url, PostgresOptions::default()).await?;
    assert_eq!(error.kind(), StoreErrorKind::ReadOnly, "{error}");
    Ok(())
}

#[tokio::test]
async fn a_host_that_does_not_answer_leaves_time_for_the_next() -> Result<()> {
    needs!(Server);
    let server = Server::start()?;
    let (_listener, dark) = dark()?;
    let options = PostgresOptions::default().call_timeout(Duration::from_secs(10));
    let ports = [dark, server.port()];
    // Without a time to connect, each has its share of a call's.
    for parameters in ["connect_timeout=1", ""] {
        let url = url(&ports, parameters);
        let store = PostgresStore::open_with(&url, options.clone()).await?;
        store.close().await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_time_to_connect_is_kept() -> Result<()> {
    let (_listener, dark) = dark()?;
    let an_hour = PostgresOptions::default().call_timeout(Duration::from_secs(3_600));
    let url = url(&[dark], "connect_timeout=1");
    let error = soon(refusal(&url, an_hour)).await??;
    assert_eq!(error.kind(), StoreErrorKind::Unavailable, "{error}");
    Ok(())
}
