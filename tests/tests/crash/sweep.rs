//! One crash at each commit, and crashes without end.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
    sync::atomic::{AtomicU32, Ordering},
    time::SystemTime,
};

use durable::journal::Timestamp;

use crate::verdict::{Saga, check};

/// What a process is to do.
#[derive(Debug, Clone, Copy)]
enum Task {
    /// Take the order in, and see it through.
    Whole,
    /// Take it in, and die.
    Take,
    /// Go on with what there is.
    Rest,
}

/// At which commit a process dies.
#[derive(Debug, Clone, Copy)]
enum Crash {
    Before(u32),
    After(u32),
    Never,
}

/// One order, and the processes that drive it.
struct Order {
    folder: PathBuf,
    saga: Saga,
    since: i64,
    crashes: usize,
}

impl Order {
    fn new(saga: Saga) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!(
            "durable-crash-{}-{}",
            std::process::id(),
            NEXT.fetch_add(1, Ordering::Relaxed)
        );
        let folder = std::env::temp_dir().join(name);
        fs::create_dir(&folder).unwrap();
        Self {
            folder,
            saga,
            since: Timestamp::from(SystemTime::now()).as_micros(),
            crashes: 0,
        }
    }

    /// One life of a process. Gives the journal when the order has ended, `None` when it crashed.
    fn drive(&mut self, task: Task, crash: Crash) -> Option<String> {
        let task = match task {
            Task::Whole => "whole",
            Task::Take => "take",
            Task::Rest => "rest",
        };
        let (when, commit) = match crash {
            Crash::Before(commit) => ("before", commit),
            Crash::After(commit) => ("after", commit),
            Crash::Never => ("after", 0),
        };
        let output = Command::new(env!("CARGO_BIN_EXE_crash_worker"))
            .arg(&self.folder)
            .arg(self.saga.address())
            .arg(self.since.to_string())
            .args([task, when, &commit.to_string()])
            .output()
            .unwrap();
        if output.status.success() {
            return Some(String::from_utf8(output.stdout).unwrap());
        }
        assert!(crashed(&output), "{crash:?}: {output:?}");
        self.crashes += 1;
        None
    }

    fn check(&self, journal: &str) {
        check(self.saga, self.crashes, journal, &self.folder);
    }

    fn folder(&self) -> &Path {
        &self.folder
    }
}

impl Drop for Order {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            let _ = fs::remove_dir_all(&self.folder);
        }
    }
}

/// Whether the process died of its own `abort`, and not of an error.
fn crashed(output: &Output) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::process::ExitStatusExt;
        output.status.signal().is_some()
    }
    #[cfg(not(unix))]
    {
        output.stderr.is_empty()
    }
}

/// Kills a process at commit 1, 2, 3, ... until one gets through; each order is then finished by a
/// second process. Gives how many crashes there were.
fn sweep(saga: Saga, crash: fn(u32) -> Crash) -> u32 {
    for commit in 1.. {
        let mut order = Order::new(saga);
        let journal = order.drive(Task::Whole, crash(commit));
        let survived = journal.is_some();
        let journal = journal
            .or_else(|| order.drive(Task::Whole, Crash::Never))
            .unwrap();
        order.check(&journal);
        if survived {
            return commit - 1;
        }
    }
    0
}

fn sweep_both_sides(saga: Saga, least: u32) {
    let before = sweep(saga, Crash::Before);
    let after = sweep(saga, Crash::After);
    println!("{saga:?}: {before} crashes before a commit, {after} after one, all survived");
    // Fewer would mean that the sweep no longer reaches the commits of the saga.
    assert!(before >= least && after >= least, "{before}, {after}");
}

#[test]
fn a_delivered_order_survives_a_crash_at_every_commit() {
    sweep_both_sides(Saga::Delivered, 6);
}

#[test]
fn an_undone_order_survives_a_crash_at_every_commit() {
    sweep_both_sides(Saga::Undone, 8);
}

/// Every process makes one commit and dies, and the next one goes on.
fn die_all_the_time(saga: Saga) {
    let mut order = Order::new(saga);
    assert!(order.drive(Task::Take, Crash::Never).is_none());
    let journal = (0..100).find_map(|_| order.drive(Task::Rest, Crash::After(1)));
    let journal = journal.unwrap_or_else(|| panic!("no end: {}", order.folder().display()));
    println!("{saga:?}: ended after {} crashes in a row", order.crashes);
    order.check(&journal);
    assert!(order.crashes >= 4, "{}", order.crashes);
}

#[test]
fn orders_end_though_every_process_dies_after_one_commit() {
    die_all_the_time(Saga::Delivered);
    die_all_the_time(Saga::Undone);
}
