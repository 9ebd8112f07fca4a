//! Several processes on one PostgreSQL server, and what may happen to it.

use std::time::Duration;

use durable_tests::{
    history::Report,
    needs,
    proxy::{Mode, Proxy},
    server::{Database, Server},
    workload::{Tuning, mixed},
};
use sqlx::{Connection, Executor, PgConnection};

use crate::{
    cluster::Cluster,
    scenarios::{self, ENDLESS, SHORT},
};

fn on(url: &str) -> Cluster {
    Cluster::new("postgres", Some(url))
}

async fn cluster() -> Cluster {
    let database = Database::shared().await.unwrap();
    on(database.url()).keeping(database)
}

#[tokio::test]
async fn workers_are_killed() {
    needs!(Database);
    let report = scenarios::kill_workers(cluster().await).await;
    assert!(report.repeated > 0, "no kill came in the middle of a step");
}

#[tokio::test]
async fn a_worker_is_paused() {
    needs!(Database);
    scenarios::pause_a_worker(cluster().await).await;
}

#[tokio::test]
async fn a_worker_is_paused_that_cannot_know() {
    needs!(Database);
    scenarios::pause_a_worker_that_cannot_know(cluster().await).await;
}

#[tokio::test]
async fn two_replicas_start_together() {
    needs!(Database);
    scenarios::start_two_replicas(cluster().await).await;
}

#[tokio::test]
async fn a_worker_hands_over() {
    needs!(Database);
    scenarios::hand_over(cluster().await).await;
}

#[tokio::test]
async fn a_run_kills_its_workers() {
    needs!(Database);
    scenarios::poison(cluster().await).await;
}

/// Three workers with 75 runs of about 480 step bodies; something happens so many times, spread over
/// their work.
async fn disturb(
    cluster: Cluster,
    fault: &str,
    times: usize,
    happens: impl AsyncFnMut(&Cluster),
) -> Report {
    disturb_with(SHORT, cluster, fault, times, happens).await
}

async fn disturb_with(
    tuning: Tuning,
    mut cluster: Cluster,
    fault: &str,
    times: usize,
    mut happens: impl AsyncFnMut(&Cluster),
) -> Report {
    for worker in 0..3 {
        cluster.add(mixed(&format!("run-{worker}"), 25, 5), tuning);
    }
    cluster.until_ready();
    for time in 0..times {
        cluster.until_executions(20 + 400 * time / times);
        happens(&cluster).await;
    }
    cluster.until_all_ended();
    cluster.finish(fault).await
}

#[tokio::test]
async fn a_killed_worker_is_missed_before_its_lease_ends() {
    needs!(Database);
    scenarios::miss_a_killed_worker(cluster().await).await;
}

async fn terminate_all(url: &str) {
    let mut connection = PgConnection::connect(url).await.unwrap();
    let all = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
               WHERE datname = current_database() AND pid <> pg_backend_pid()";
    connection.execute(all).await.unwrap();
    connection.close().await.unwrap();
}

#[tokio::test]
async fn connections_are_terminated() {
    needs!(Database);
    let database = Database::shared().await.unwrap();
    let url = database.url();
    let fault = "pg_terminate_backend on all, 15 times";
    disturb(on(url), fault, 15, async |_| terminate_all(url).await).await;
}

/// A worker whose connections break is not a dead one.
#[tokio::test]
async fn connections_are_terminated_and_no_run_changes_hands() {
    needs!(Database);
    let database = Database::shared().await.unwrap();
    let url = database.url();
    let fault = "the same, with leases that do not end";
    let happens = async |_: &Cluster| terminate_all(url).await;
    let report = disturb_with(ENDLESS, on(url), fault, 15, happens).await;
    assert_eq!(report.repeated, 0);
}

#[tokio::test]
async fn the_server_is_killed_and_no_run_changes_hands() {
    needs!(Server);
    let server = Server::start().unwrap();
    let database = server.database().await.unwrap();
    let fault = "server killed, with leases that do not end";
    let happens = async |_: &Cluster| {
        server.kill_9().and_then(|()| server.start_again()).unwrap();
    };
    let report = disturb_with(ENDLESS, on(database.url()), fault, 3, happens).await;
    assert_eq!(report.repeated, 0);
}

/// The server does what it does when one of its processes crashes: it ends all sessions at once, and
/// goes on.
#[tokio::test]
async fn a_backend_crashes_and_no_run_changes_hands() {
    needs!(Server);
    let server = Server::start().unwrap();
    let database = server.database().await.unwrap();
    let fault = "a backend killed, with leases that do not end";
    let happens = async |_: &Cluster| server.crash_a_backend().unwrap();
    let report = disturb_with(ENDLESS, on(database.url()), fault, 3, happens).await;
    assert_eq!(report.repeated, 0);
}

#[tokio::test]
async fn the_server_is_restarted_and_killed() {
    needs!(Server);
    let server = Server::start().unwrap();
    let database = server.database().await.unwrap();
    let mut kill = false;
    disturb(
        on(database.url()),
        "server restarted and killed, 3 times each",
        6,
        async |_| {
            match kill {
                true => server.kill_9().and_then(|()| server.start_again()).unwrap(),
                false => server.restart_immediate().unwrap(),
            }
            kill = !kill;
        },
    )
    .await;
}

/// A cluster that reaches the shared server through a proxy.
async fn behind_proxy() -> (Cluster, Proxy) {
    let database = Database::shared().await.unwrap();
    let (head, tail) = database.url().rsplit_once(':').unwrap();
    let (port, path) = tail.split_once('/').unwrap();
    let proxy = Proxy::start(port.parse().unwrap()).unwrap();
    let url = format!("{head}:{}/{path}", proxy.port());
    (on(&url).keeping(database), proxy)
}

/// Breaks some connections, and lets the next ones be.
fn break_some(cluster: &Cluster, proxy: &Proxy, mode: Mode) {
    let before = proxy.broken();
    proxy.set(mode);
    cluster.until("connections break", || proxy.broken() > before + 1);
    proxy.set(Mode::Pass);
}

#[tokio::test]
async fn replies_are_lost() {
    needs!(Database);
    let (cluster, proxy) = behind_proxy().await;
    let report = disturb(cluster, "replies lost, 15 times", 15, async |cluster| {
        break_some(cluster, &proxy, Mode::LoseReplies);
    })
    .await;
    assert!(proxy.broken() >= 30, "{report}");
}

#[tokio::test]
async fn connections_are_reset() {
    needs!(Database);
    let (cluster, proxy) = behind_proxy().await;
    disturb(
        cluster,
        "connections reset, 15 times",
        15,
        async |cluster| {
            break_some(cluster, &proxy, Mode::Reset);
        },
    )
    .await;
}

#[tokio::test]
async fn the_network_goes_dark() {
    needs!(Database);
    let (cluster, proxy) = behind_proxy().await;
    disturb(
        cluster,
        "network dark past all leases, twice",
        2,
        async |cluster| {
            let troubles = || {
                (0..3)
                    .map(|worker| cluster.troubles(worker))
                    .collect::<Vec<_>>()
            };
            // An outage is told once.
            cluster.until("every worker is well", || {
                (0..3).all(|worker| cluster.is_well(worker))
            });
            let before = troubles();
            proxy.set(Mode::Stall);
            cluster.until("every worker gives its calls up", || {
                troubles()
                    .iter()
                    .zip(&before)
                    .all(|(now, before)| now > before)
            });
            proxy.set(Mode::Pass);
        },
    )
    .await;
}

#[tokio::test]
async fn the_network_is_slow() {
    needs!(Database);
    let (cluster, proxy) = behind_proxy().await;
    proxy.set(Mode::Slow(Duration::from_millis(20)));
    let report = disturb(cluster, "20 ms of latency", 0, async |_| {}).await;
    assert_eq!(report.repeated, 0, "slow is not dead");
}

#[tokio::test]
async fn a_synchronous_standby_is_promoted() {
    needs!(Server);
    let primary = Server::start().unwrap();
    let standby = primary.synchronous_standby().await.unwrap();
    let proxy = Proxy::start(primary.port()).unwrap();
    let url = primary
        .url()
        .replace(&primary.port().to_string(), &proxy.port().to_string());
    disturb(
        on(&url),
        "primary killed, standby promoted",
        1,
        async |cluster| {
            cluster.until_executions(200);
            primary.kill_9().unwrap();
            standby.promote().unwrap();
            proxy.set_target(standby.port());
        },
    )
    .await;
}
