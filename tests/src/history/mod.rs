//! What happened in a system under faults, and whether it was allowed to.
//!
//! Worker processes write what they were told and what their step bodies did into files, each line
//! at once ([`Folder`]). When all is over, [`History::read`] puts that beside what the database
//! holds, and [`check`] says what does not fit together.

mod check;
mod database;
mod folder;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use durable::Status;
use durable::journal::Event;
use serde::{Deserialize, Serialize};

pub use check::{Report, Violation, check};
pub use database::{Database, open};
pub use folder::Folder;

/// Something a worker process was told: from then on it must be true for ever.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ack {
    /// A run was started.
    Started {
        /// Its id.
        run: String,
    },
    /// A signal was sent.
    Signaled {
        /// The id of the run.
        run: String,
        /// What it carried.
        part: Part,
    },
    /// A run has ended.
    Ended {
        /// Its id.
        run: String,
        /// Its result as JSON text, or `None` when it failed.
        output: Option<String>,
    },
}

/// What the signals of the workload carry. A sender that was not told sends the same part again
/// under another token.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Part {
    /// Which of the parts that the run waits for.
    pub number: u32,
    /// Which sending of it.
    pub token: String,
}

/// A step body, or a compensation, that began.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Effect {
    /// The process.
    pub life: String,
    /// The run's id.
    pub run: String,
    /// The operation in the run.
    pub step: String,
    /// Its idempotency key.
    pub key: String,
    /// Which attempt.
    pub attempt: u32,
}

/// One process from its start to its end.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Life {
    /// Whether it was told to end or was killed.
    pub ended: bool,
    /// How often it found that its lease was lost.
    pub lease_losses: usize,
    /// The runs it found that it had lost, by number.
    pub lost_runs: Vec<i64>,
}

/// A run as the database has it.
#[derive(Debug, Clone)]
pub struct RecordedRun {
    /// Its number.
    pub run: i64,
    /// Its id.
    pub id: String,
    /// Where it stands.
    pub status: Status,
    /// How often it was claimed.
    pub epoch: i64,
    /// Its journal, with the positions.
    pub events: Vec<(i64, Event)>,
}

/// Everything that is known.
#[derive(Debug, Clone, Default)]
pub struct History {
    /// What processes were told, in the order of each.
    pub acks: Vec<Ack>,
    /// What step bodies did, in order.
    pub effects: Vec<Effect>,
    /// The processes, by name.
    pub lives: BTreeMap<String, Life>,
    /// The runs of the database.
    pub runs: Vec<RecordedRun>,
    /// How many connections of the database are `idle in transaction`.
    pub idle_in_transaction: i64,
}
