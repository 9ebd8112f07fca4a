//! What a `fault_worker` process is told to do.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// The orders of one process, handed to it as JSON.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Orders {
    /// The database.
    pub url: String,
    /// Where it writes; see [`Folder`](crate::history::Folder).
    pub folder: PathBuf,
    /// Its name in what it writes.
    pub life: String,
    /// Whose acknowledgements it goes on with.
    pub driver: String,
    /// The runs that it starts and sees through.
    pub runs: Vec<Assignment>,
    /// The engine's settings that are not the defaults.
    pub tuning: Tuning,
}

/// Settings of the engine; the defaults where nothing is said. Times are in milliseconds.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub struct Tuning {
    /// `EngineBuilder::lease`.
    pub lease: Option<u64>,
    /// `EngineBuilder::linger`.
    pub linger: Option<u64>,
    /// `EngineBuilder::shutdown_grace`.
    pub shutdown_grace: Option<u64>,
    /// `Limits::worker_deaths_max`.
    pub worker_deaths_max: Option<u32>,
    /// `PostgresOptions::call_timeout`.
    pub call_timeout: Option<u64>,
}

/// A run to start.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Assignment {
    /// Its id.
    pub id: String,
    /// What it does.
    pub kind: Kind,
}

/// What a run does. Every step lasts `pause` milliseconds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Kind {
    /// Charges, waits for its parts, sleeps, has a child ship; then it may fail and undo the charge.
    Order {
        /// How many signals it waits for; one is sent every four pauses.
        parts: u32,
        /// Whether it fails in the end.
        fails: bool,
        /// How long steps last.
        pause: u64,
    },
    /// One step after the other.
    March {
        /// How many.
        steps: u32,
        /// How long they last.
        pause: u64,
    },
    /// Children side by side.
    Family {
        /// How many.
        children: u32,
        /// How long their steps last.
        pause: u64,
    },
    /// One step that lasts until the file `gate` is in the folder, or `gate-LIFE` for this process
    /// alone, and one after it.
    Hold,
    /// A step that kills its process unless the file `antidote` is in the folder.
    Poison,
}

/// Runs of every kind that goes well or is undone, under ids of their own.
pub fn mixed(prefix: &str, count: u32, pause: u64) -> Vec<Assignment> {
    let kind = |n| match n % 5 {
        0 | 1 => Kind::Order {
            parts: 8,
            fails: n % 10 == 1,
            pause,
        },
        2 | 3 => Kind::March { steps: 8, pause },
        _ => Kind::Family { children: 3, pause },
    };
    (0..count)
        .map(|n| Assignment {
            id: format!("{prefix}-{n}"),
            kind: kind(n),
        })
        .collect()
}
