//! The faults that every store must survive, under whichever database the cluster has.

use durable_tests::{
    history::Report,
    workload::{Assignment, Kind, Tuning, mixed},
};

use crate::cluster::Cluster;

/// A lease short enough to be waited for.
const SHORT: Tuning = Tuning {
    lease: Some(1_500),
    linger: Some(300),
    shutdown_grace: None,
};
/// A lease nobody lives to see the end of: only what is given back is taken over.
const ENDLESS: Tuning = Tuning {
    lease: Some(3_600_000),
    linger: None,
    shutdown_grace: None,
};

/// Workers die one after the other in the middle of 500 runs, and come back.
pub async fn kill_workers(mut cluster: Cluster) -> Report {
    for worker in 0..3 {
        let count = if worker == 2 { 166 } else { 167 };
        cluster.add(mixed(&format!("run-{worker}"), count, 5), SHORT);
    }
    // One execution after the other of about 4 000 is the moment of the next kill.
    for (kill, worker) in [0, 1, 2, 0, 1, 2, 0].into_iter().enumerate() {
        cluster.until_executions(100 + 400 * kill);
        cluster.kill_and_restart(worker);
    }
    cluster.until_all_ended();
    cluster.finish("kill -9 of a worker, 7 times").await
}

/// A worker is paused in a step for longer than its lease, another one takes its runs and finishes
/// them, and then the first goes on.
pub async fn pause_a_worker(mut cluster: Cluster) -> Report {
    let held = (0..20).map(|n| Assignment {
        id: format!("held-{n}"),
        kind: Kind::Hold,
    });
    let zombie = cluster.add(held.collect(), SHORT);
    cluster.until_executions(20);
    cluster.pause(zombie);
    let heir = cluster.add(mixed("other", 20, 5), SHORT);
    let is_heirs = |effect: &durable_tests::history::Effect| effect.life == cluster.life(heir);
    cluster.until("the other worker takes over", || {
        let effects = cluster.folder().effects().unwrap();
        effects
            .iter()
            .filter(|e| e.step == "hold" && is_heirs(e))
            .count()
            == 20
    });
    std::fs::write(cluster.folder().path().join("gate"), "").unwrap();
    cluster.until("the other worker finishes the runs", || {
        let effects = cluster.folder().effects().unwrap();
        effects.iter().filter(|e| e.step == "after").count() == 20
    });
    cluster.resume(zombie);
    cluster.until("the paused worker notices", || {
        let log = cluster.log(zombie);
        log.contains("the lease was lost") || log.contains("ownership lost")
    });
    cluster.until_all_ended();
    let zombies = cluster.life(zombie);
    let effects = cluster.folder().effects().unwrap();
    assert!(
        effects
            .iter()
            .all(|e| e.step != "after" || e.life != zombies),
        "the paused worker went on with runs that it had lost"
    );
    cluster.finish("SIGSTOP past the lease, SIGCONT").await
}

/// Two processes as a deployment with two replicas starts them.
pub async fn start_two_replicas(mut cluster: Cluster) -> Report {
    cluster.add(mixed("left", 60, 5), Tuning::default());
    cluster.add(mixed("right", 60, 5), Tuning::default());
    cluster.until_all_ended();
    let report = cluster.finish("two replicas start together").await;
    assert_eq!(report.repeated, 0, "nobody died, so nothing is repeated");
    report
}

/// A worker is told to end in the middle of its runs; another one, which waits for no lease, goes on.
pub async fn hand_over(mut cluster: Cluster) -> Report {
    let first = cluster.add(mixed("run", 100, 20), ENDLESS);
    let heir = cluster.add(Vec::new(), ENDLESS);
    cluster.until_executions(200);
    cluster.retire(first);
    let at_the_end = cluster.executions();
    let heirs = cluster.life(heir);
    cluster.until("the other worker goes on", || {
        let effects = cluster.folder().effects().unwrap();
        effects[at_the_end..]
            .iter()
            .filter(|e| e.life == heirs)
            .count()
            > 50
    });
    cluster.start(first);
    cluster.until_all_ended();
    let report = cluster.finish("shutdown in the middle of 100 runs").await;
    assert_eq!(report.repeated, 0, "the grace lets step bodies finish");
    report
}
