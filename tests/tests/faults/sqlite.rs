//! Several processes on one SQLite file.

use durable_tests::{needs, workload::mixed};

use crate::{
    cluster::{Cluster, Disk},
    scenarios::{self, SHORT},
};

fn cluster() -> Cluster {
    Cluster::new("sqlite", None)
}

#[tokio::test]
async fn workers_are_killed() {
    let report = scenarios::kill_workers(cluster()).await;
    assert!(report.repeated > 0, "no kill came in the middle of a step");
}

#[tokio::test]
async fn a_worker_is_paused() {
    scenarios::pause_a_worker(cluster()).await;
}

#[tokio::test]
async fn a_worker_is_paused_that_cannot_know() {
    scenarios::pause_a_worker_that_cannot_know(cluster()).await;
}

#[tokio::test]
async fn two_replicas_start_together() {
    scenarios::start_two_replicas(cluster()).await;
}

#[tokio::test]
async fn a_worker_hands_over() {
    scenarios::hand_over(cluster()).await;
}

#[tokio::test]
async fn a_run_kills_its_workers() {
    scenarios::poison(cluster()).await;
}

#[tokio::test]
async fn the_disk_is_slow() {
    needs!(SlowDisk);
    let mut cluster = cluster().on(Disk::Slow);
    for worker in 0..2 {
        cluster.add(mixed(&format!("run-{worker}"), 25, 5), SHORT);
    }
    cluster.until_all_ended();
    let delayed = cluster.delayed_syncs();
    assert!(delayed > 20, "{delayed} syncs were delayed");
    let report = cluster.finish("30 ms more for each sync").await;
    assert_eq!(report.repeated, 0, "slow is not dead");
}
