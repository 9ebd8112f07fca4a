//! The faults that every store must survive, under whichever database the cluster has.

use std::time::Instant;

use durable_tests::{
    history::{Database, Report},
    workload::{Assignment, Kind, Tuning, mixed},
};

use crate::cluster::Cluster;

/// A lease short enough to be waited for.
pub const SHORT: Tuning = Tuning {
    lease: Some(1_500),
    linger: Some(300),
    shutdown_grace: None,
    worker_deaths_max: None,
    call_timeout: Some(2_000),
};
/// A lease nobody lives to see the end of: only what is given back is taken over.
pub const ENDLESS: Tuning = Tuning {
    lease: Some(3_600_000),
    linger: None,
    shutdown_grace: None,
    worker_deaths_max: None,
    call_timeout: Some(2_000),
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
/// them, and then the first goes on, and finds out from its clock.
pub async fn pause_a_worker(mut cluster: Cluster) -> Report {
    let zombie = hold_and_pause(&mut cluster, SHORT);
    let heir = take_over(&mut cluster);
    cluster.open_gate();
    cluster.until("the other worker goes on", || {
        count(&cluster, heir, "after") == HELD
    });
    cluster.resume(zombie);
    cluster.until("the paused worker notices", || {
        let log = cluster.log(zombie);
        log.contains("the lease was lost") || log.contains("ownership lost")
    });
    finish_with_zombie(cluster, zombie, "SIGSTOP past the lease, SIGCONT").await
}

/// The same, but the first worker has no reason to think that it lost anything, for its lease was
/// ended by a machine whose clock is ahead; and the other one has written nothing yet. All that
/// stands between the first and the journals is the epoch.
pub async fn pause_a_worker_that_cannot_know(mut cluster: Cluster) -> Report {
    let zombie = hold_and_pause(&mut cluster, ENDLESS);
    let mut database = Database::connect(cluster.url()).await.unwrap();
    database.end_leases().await.unwrap();
    database.close().await.unwrap();
    take_over(&mut cluster);
    cluster.open_gate_for(zombie);
    cluster.resume(zombie);
    cluster.until("every commit of the paused worker is refused", || {
        cluster.log(zombie).matches("ownership lost").count() == HELD
    });
    cluster.open_gate();
    finish_with_zombie(cluster, zombie, "SIGSTOP, lease ended by another's clock").await
}

const HELD: usize = 20;

/// Starts a worker whose runs all wait at the gate, and pauses it there.
fn hold_and_pause(cluster: &mut Cluster, tuning: Tuning) -> usize {
    let held = (0..HELD).map(|n| Assignment {
        id: format!("held-{n}"),
        kind: Kind::Hold,
    });
    let zombie = cluster.add(held.collect(), tuning);
    cluster.until_executions(HELD);
    cluster.pause(zombie);
    zombie
}

/// Starts another worker, and waits until it has come to the gate with the runs of the first.
fn take_over(cluster: &mut Cluster) -> usize {
    let heir = cluster.add(mixed("other", 20, 5), SHORT);
    cluster.until("the other worker takes over", || {
        count(cluster, heir, "hold") == HELD
    });
    heir
}

/// How many executions of a step the present life of a worker began.
fn count(cluster: &Cluster, worker: usize, step: &str) -> usize {
    let life = cluster.life(worker);
    let effects = cluster.folder().effects().unwrap();
    let effects = effects.iter().filter(|e| e.life == life && e.step == step);
    effects.count()
}

async fn finish_with_zombie(cluster: Cluster, zombie: usize, fault: &str) -> Report {
    cluster.until_all_ended();
    let went_on = count(&cluster, zombie, "after");
    assert_eq!(
        went_on, 0,
        "the paused worker went on with runs it had lost"
    );
    let report = cluster.finish(fault).await;
    assert_eq!(report.repeated, HELD);
    report
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

/// Of two workers whose leases do not end, one is killed and one is paused: the runs of the first are
/// taken over, and the other, which the server still sees, keeps its own.
pub async fn miss_a_killed_worker(mut cluster: Cluster) -> Report {
    let paused = hold_and_pause(&mut cluster, ENDLESS);
    let victim = cluster.add(mixed("run", 60, 20), ENDLESS);
    cluster.until_executions(HELD + 100);
    let heir = cluster.add(Vec::new(), ENDLESS);
    cluster.until_ready();
    cluster.kill(victim);
    let killed = Instant::now();
    let at_the_end = cluster.executions();
    let heirs = cluster.life(heir);
    let by_heir = |cluster: &Cluster| {
        let effects = cluster.folder().effects().unwrap();
        let effects = effects[at_the_end..].iter();
        effects.filter(|effect| effect.life == heirs).count()
    };
    cluster.until("the first step elsewhere", || by_heir(&cluster) > 0);
    eprintln!("taken over after {:?}", killed.elapsed());
    cluster.until("the other worker goes on", || all_rest(&cluster, "run"));
    assert_eq!(count(&cluster, heir, "hold"), 0, "a paused worker is alive");
    cluster.open_gate();
    cluster.resume(paused);
    cluster.start(victim);
    cluster.until_all_ended();
    assert_eq!(count(&cluster, paused, "after"), HELD);
    cluster.finish("kill -9, with leases that do not end").await
}

/// Whether all runs with this prefix that have not ended wait for a signal: nobody owns them, and none is due.
fn all_rest(cluster: &Cluster, prefix: &str) -> bool {
    let unfinished = cluster.query(async |mut database| database.unfinished().await);
    let unfinished = unfinished.unwrap();
    let mut runs = unfinished
        .iter()
        .filter(|run| run.contains(&format!(" {prefix}-")));
    runs.all(|run| run.contains(" owner due deaths "))
}

/// A run kills every worker that drives it. It is parked; the runs in the same memory go on, also the
/// one that got no further while its workers died; and when it is mended, it goes on itself.
pub async fn poison(mut cluster: Cluster) -> Report {
    let run = |id: &str, kind| Assignment {
        id: id.to_owned(),
        kind,
    };
    let mut runs = vec![run("poison", Kind::Poison), run("hold", Kind::Hold)];
    runs.extend(mixed("run", 20, 5));
    let limited = Tuning {
        worker_deaths_max: Some(5),
        ..SHORT
    };
    let worker = cluster.add(runs, limited);
    let deaths = cluster.restart_until(worker, "the poison is parked", |cluster| {
        cluster
            .log(worker)
            .contains("5 workers died with this run in memory")
    });
    assert_eq!(deaths, 5);
    cluster.open_gate();
    cluster.until("all other runs end", || cluster.missing() == 1);
    cluster.retire(worker);
    // The mended build: the step is harmless, and the limit lets it have another try.
    std::fs::write(cluster.folder().path().join("antidote"), "").unwrap();
    cluster.tune(worker, SHORT);
    cluster.start(worker);
    cluster.until_all_ended();
    let report = cluster.finish("a run that kills its workers").await;
    assert!(report.repeated >= 5);
    report
}
