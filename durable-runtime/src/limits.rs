//! Bounds, each checked before anything is written.

use crate::journal::Payload;

/// The bounds an engine keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// The most bytes of one payload: an input, a step's output, a signal, a result. 2 MiB if not set.
    pub payload_bytes_max: usize,
    /// The most events in one run's journal. 100,000 if not set.
    pub history_max: u32,
    /// The most runs in memory at once; further ones wait in the database. 8,192 if not set.
    pub resident_runs_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            payload_bytes_max: 2 << 20,
            history_max: 100_000,
            resident_runs_max: 8_192,
        }
    }
}

/// Says what is wrong with a payload that is too large.
pub(crate) fn check_payload(payload: &Payload, bytes_max: usize, what: &str) -> Result<(), String> {
    if payload.len() <= bytes_max {
        return Ok(());
    }
    Err(format!(
        "{what} has {} bytes and the limit is {bytes_max} (`Limits::payload_bytes_max`); store large \
         data elsewhere and pass a reference to it",
        payload.len()
    ))
}
